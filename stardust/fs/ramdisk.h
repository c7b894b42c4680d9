/* What is in / at the start. Private to stardust/fs. */
#ifndef STARDUST_FS_RAMDISK_H
#define STARDUST_FS_RAMDISK_H

/* Fills the root: with the ramdisk, and what every program expects besides. Ends the guest, with a sentence
 * on the console, if the ramdisk is broken. Once. */
void sd_ramdisk_unpack(void);

#endif
