/* SPDX-License-Identifier: MIT */
/* A sign of life, for who watches this process: it moves while there is progress. */
#ifndef XI_HEARTBEAT_H
#define XI_HEARTBEAT_H

#include <stdatomic.h>
#include <stdint.h>

/* Where heartbeat() counts from now on, memory of who watches perhaps; it must stay. */
void heartbeat_set(_Atomic uint64_t *counter);

/* One more step is done: an answer of xenstored or Xen, a file read, a turn of the loop. Never
 * called where nothing but waiting was done. */
void heartbeat(void);

/* Ends the process with the message and this exit status when there is no heartbeat() for this many
 * seconds, whatever it waits for: for what runs without a keeper. The message, a whole line, must
 * stay. 0 or a negative errno. */
int heartbeat_demand(unsigned int seconds, int status, const char *message);

#endif
