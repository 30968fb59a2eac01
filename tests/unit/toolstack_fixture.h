/* SPDX-License-Identifier: MIT */
/* A host with one domain of libxl's, as real files. */
#ifndef XI_TEST_TOOLSTACK_FIXTURE_H
#define XI_TEST_TOOLSTACK_FIXTURE_H

#include "unit.h"

#include "observe/toolstack.h"

#define UUID      "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define RECORD    "userdata-d.7." UUID ".libxl-json"
#define BIRTH     "birth" /* stands for what libxl keeps in XenStore: its time is told */
#define HOST      "/soc/nic@1000"
#define DTDEVS    "\"dtdevs\": [{\"path\": \"" HOST "\"}]"
#define WITH_TREE "{" DTDEVS ", \"b_info\": {\"device_tree\": \"/partial.dtb\"}}"

/* The errno that every read gives; 0 for none. */
extern int failing_read;

/* A path in the sysroot, valid until the next but one. */
const char *at(const char *path);
const char *in_xen(const char *name);
void write_file(const char *path, const void *bytes, size_t size);
/* libxl's own ends with a NUL. */
void write_record(const char *text);
/* libxl has said before when the domain was made. */
void write_libxls_record(const char *text);
void end_domain(void);
/* As if the file had been written that many seconds ago. */
void backdate(const char *path, time_t seconds);
/* A partial tree of one node with xen,path, at a path of two components. */
void write_partial(const char *folder, const char *node, const void *xen_path, size_t size);
void write_good_partial(const char *node);
struct toolstack_observer *open_observer(void);
/* Something happened that makes it read again. */
void take_events(struct toolstack_observer *observer);
bool is_readable(const struct toolstack_observer *observer);
void expect_one(const struct toolstack_observer *observer, enum dt_guest_path where,
                const char *guest_path);
/* What a daemon that starts now makes of the files. */
void expect_at_start(enum dt_guest_path where, const char *guest_path);
/* The domain's record cannot be read: what it has is not known, and it is to be tried again. */
void expect_unread(const struct toolstack_observer *observer);
int toolstack_set_up(void **state);
int toolstack_tear_down(void **state);
/* As libxl does: a new file, then its name. */
void write_bytes(const char *bytes, size_t size);

#endif
