/* SPDX-License-Identifier: MIT */
/* The event loop. Its .c file is the only one that knows libevent. */
#ifndef XI_LOOP_H
#define XI_LOOP_H

#include <stdbool.h>

struct loop;
struct loop_source;

typedef void loop_fn(void *arg);

/* 0 and a loop that the caller frees with loop_free(), or -ENOMEM. */
int loop_new(struct loop **loop);
void loop_free(struct loop *loop); /* NULL is allowed; sources must be freed first */

/* Runs until loop_stop(). 0, or -EIO when the loop cannot go on. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Each makes a source that the caller frees with loop_source_free(), before what it refers to.
 * NULL when memory is short or the kernel refuses. fn is called from loop_run() only. */
struct loop_source *loop_add_reader(struct loop *loop, int fd, loop_fn *fn, void *arg);
struct loop_source *loop_add_signal(struct loop *loop, int signum, loop_fn *fn, void *arg);
struct loop_source *loop_add_timer(struct loop *loop, loop_fn *fn, void *arg); /* not yet armed */
void loop_source_free(struct loop_source *source);                             /* NULL is allowed */

/* Arms a timer once, after that many milliseconds, in place of what was pending.
 * False when the loop cannot take it. */
bool loop_timer_arm(struct loop_source *timer, unsigned int milliseconds);
bool loop_timer_pending(const struct loop_source *timer);
void loop_timer_disarm(struct loop_source *timer);

#endif
