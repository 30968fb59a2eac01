/* SPDX-License-Identifier: MIT */
/* xen-iommu, run inside a test over the fake store: what it prints and its exit code. */
#ifndef XI_TESTS_UNIT_CLI_RUN_H
#define XI_TESTS_UNIT_CLI_RUN_H

#include "unit.h"

/* What the last run printed on stdout and stderr. */
extern char output[16384], errors[2048];

/* Where apply finds /sys, /proc and /dev; "" at first. */
extern const char *run_root;

/* Runs "xen-iommu" with the words of a line; returns its exit code. */
int run(const char *line);

/* The same with file as its stdout, which is closed; output is left as it was. */
int run_into(int file, const char *line);

/* Runs a line, and compares all that comes out of it. */
void assert_run(const char *line, int code, const char *expected, const char *error);

/* The same for a JSON document, whatever its spacing, but not for stderr. */
void assert_run_json(const char *line, int code, const char *expected);

#endif
