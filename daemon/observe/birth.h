/* SPDX-License-Identifier: MIT */
/* When a domain was made. */
#ifndef XI_OBSERVE_BIRTH_H
#define XI_OBSERVE_BIRTH_H

#include <stdint.h>
#include <time.h>

/* 0 with a moment of the wall clock at which the domain's device tree was not yet made; -ENOENT
 * where nobody keeps that; another negative errno. */
typedef int birth_fn(void *arg, const uint8_t handle[16], struct timespec *born);

/* What libxl writes right before it builds a domain, /vm/UUID/start_time: seconds, and hundredths
 * that are rounded down (libxl__domain_build(), tools/libs/light/libxl_create.c). arg: a struct
 * store. A domain cannot write there. */
int birth_by_libxl(void *arg, const uint8_t handle[16], struct timespec *born);

#endif
