/*
 * What an object brings with it: registered in a linker section, so that whatever the linker kept is started
 * and nothing else is. An object that no call brings in is not in the image.
 */
#ifndef STARDUST_INIT_H
#define STARDUST_INIT_H

struct sd_init {
    const char *name;
    int (*start)(void); /* 0, or a negative errno: logged with the name; the boot goes on without it */
};

/* `start` runs on the main thread after the kernel is up, before main, and must not wait. */
#define SD_INIT(name, start)                                                                                 \
    static const struct sd_init sd_init_##name                                                               \
        __attribute__((section("sd_init"), used, retain)) = {#name, start}

#endif
