/* SPDX-License-Identifier: MIT */
/*
 * The state directory of one simulated Xen, $FAKEXEN_DIR. All processes of a rig share it:
 *
 * - domains: "<domid> [hvm] [paused] [dying] [shutdown[=REASON]]", one a line; 0 is implied
 * - devices: "<address or path> <domid|io|none> [group]", one a line
 * - faults: "<call> <errno|hold> [on=WHAT] [by=PROGRAM] [id=K count=N]", one a line
 * - physinfo: capability names or a 0x mask; without it hvm, pv, hap and directio
 * - cmdline, version: text that xc_version() gives
 * - calls: where it exists, every libxenctrl call is appended to it: "<program> <call> [WHAT]
 *   [ARGUMENTS] = <result|errno|held> [injected] [owner=<domid|io|none>] at=<ns>"
 * - journal: what of these was changed when, for ../auditor (journal.c there has the form)
 * - console: Xen's console ring, and console.lost: how many bytes came before it
 * - config: hypfs' /buildinfo/config; without it Xen has none
 * - ring-<domid>: the XenStore ring page
 * - chan-<domid>: struct store_channel, and chan-<domid>.fifo that wakes the guest's end
 * - evtchn.state: struct event_state, and evtchn.fifo that wakes xenstored
 *
 * A pending flag per direction makes events collapse as on real event channels, so a FIFO holds at
 * most one entry per port and never fills up.
 */
#ifndef XI_TESTS_RIG_STATE_H
#define XI_TESTS_RIG_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_PAGE 4096
#define VIRQ_PORT  2  /* xenstored's local port for VIRQ_DOM_EXC */
#define PORT_BASE  16 /* first local port of an interdomain bind */

/* One domain's XenStore event channel. */
struct store_channel {
    _Atomic uint32_t local_port; /* xenstored's port, 0 while unbound */
    _Atomic uint32_t to_daemon;  /* pending flags */
    _Atomic uint32_t to_guest;
};

struct event_state {
    _Atomic uint32_t virq_pending;
};

/* The state directory, or NULL where this process is in no rig. */
const char *state_dir(void);

/* Writes the path of a file in the state directory. 0, or -1 with errno. */
int state_path(char *path, size_t size, const char *name);

/* Maps a file of one page, shared, creating it if need be. NULL with errno on failure. */
void *state_map(const char *name);

/* state_map() of "<prefix>-<domid>". */
void *state_map_domain(const char *prefix, uint32_t domid);

/* Opens a FIFO for reading and writing, creating it if need be. -1 with errno on failure. */
int state_fifo(const char *name, bool cloexec);

/* state_fifo() of "chan-<domid>.fifo". */
int state_fifo_domain(uint32_t domid);

/* Raises one event: sets the flag, and writes value to the FIFO if it was clear. */
void state_raise(_Atomic uint32_t *flag, int fifo, uint32_t value);

#endif
