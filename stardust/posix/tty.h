/*
 * A terminal's input side: what Linux's n_tty does between a keyboard and read(2). Pure: bytes go in, and
 * echo, signals and bytes for the program come out. The caller locks; any context.
 */
#ifndef STARDUST_POSIX_TTY_H
#define STARDUST_POSIX_TTY_H

#include <xenlib/types.h>

/* As TCGETS and TCSETS have it (asm-generic/termbits.h), which is the beginning of struct termios. */
struct sd_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t cc[19];
};

#define SD_TTY_BYTES 4096

struct sd_tty {
    struct sd_termios settings; /* changed by sd_tty_set alone */
    /* Free-running positions in `bytes`: the oldest byte, the end of the last complete line, the end. */
    uint32_t tail, complete, head;
    bool literal; /* the next byte has no meaning (VLNEXT) */
    /* Of a stream that is no terminal: nothing came since the last line's end; a ^D came that is not there
     * yet; it has ended. */
    bool fresh, held, ended;
    uint8_t ends[SD_TTY_BYTES / 8]; /* bytes that end a line; an end of file is one, of value 0 */
    char bytes[SD_TTY_BYTES];
    void (*echo)(const char *text, size_t bytes);
    void (*signal)(int number); /* SIGINT, SIGQUIT, SIGTSTP */
};

/* Empty, with the settings that a Linux terminal starts with, of which flow control (IXON) is not there. */
void sd_tty_init(struct sd_tty *tty, void (*echo)(const char *text, size_t bytes),
                 void (*signal)(int number));

/* New settings. What was typed under others stays, and can be read. */
void sd_tty_set(struct sd_tty *tty, const struct sd_termios *settings);

/* Forgets what was typed. */
void sd_tty_flush(struct sd_tty *tty);

/* How many bytes it takes now; 0 while the program has to read first. */
size_t sd_tty_room(const struct sd_tty *tty);

/* A byte from a terminal. */
void sd_tty_input(struct sd_tty *tty, char c);

/*
 * A byte of a stream that is no terminal: goes in as it is. But ^D at the beginning of a line, and two of
 * them elsewhere, end it, and what comes after that is dropped.
 */
void sd_tty_stream(struct sd_tty *tty, char c);

/* Bytes that a read could have now, ends of files not among them. */
size_t sd_tty_available(const struct sd_tty *tty);

/* Whether read has to wait: for the line's end or, without lines, for the first byte. */
bool sd_tty_must_wait(const struct sd_tty *tty);

/* The next bytes, of one line where there are lines; 0 for an end of file. *more: that was not all that this
 * read can have. Not while sd_tty_must_wait. */
size_t sd_tty_read(struct sd_tty *tty, char *buffer, size_t size, bool *more);

#endif
