/* SPDX-License-Identifier: MIT */
/*
 * How load.c, in a domain, tells count.c, in QEMU, that a measurement begins or ends: by an Arm
 * instruction that does nothing (HINT with a number that means nothing to the processor).
 */
#ifndef GAIN_MARK_H
#define GAIN_MARK_H

#define MARK_BEGIN 0x60
#define MARK_END   0x61

/* The instruction's encoding. */
#define MARK_INSTRUCTION(number) (0xd503201fU | (unsigned int)(number) << 5)

#endif
