/* SPDX-License-Identifier: MIT */
/* cmocka, with the headers it wants before itself. */
#ifndef XI_TESTS_UNIT_H
#define XI_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
