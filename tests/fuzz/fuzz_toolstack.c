/* SPDX-License-Identifier: MIT */
/* libxl's record of a domain, as hostile bytes: the first line is the file's name, the rest is what
 * is in it. A partial device tree, /partial.dtb, is there for it to name. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libfdt.h>

#include "fuzz_folder.h"
#include "log.h"
#include "observe/toolstack.h"

/* In its /passthrough one node stands for the host's /soc/nic@1000, and two for another. */
static void write_partial(const char *path)
{
    static const char *const nodes[][2] = {{"nic@2000", "/soc/nic@1000"},
                                           {"uart@3000", "/soc/uart@2000"},
                                           {"uart@4000", "/soc/uart@2000"}};
    char blob[4096];
    int rc = fdt_create(blob, sizeof(blob));

    rc = rc ? rc : fdt_finish_reservemap(blob);
    rc = rc ? rc : fdt_begin_node(blob, "");
    rc = rc ? rc : fdt_begin_node(blob, "passthrough");
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        rc = rc ? rc : fdt_begin_node(blob, nodes[i][0]);
        rc = rc ? rc : fdt_property_string(blob, "compatible", "example");
        rc = rc ? rc : fdt_property_string(blob, "xen,path", nodes[i][1]);
        rc = rc ? rc : fdt_end_node(blob);
    }
    rc = rc ? rc : fdt_end_node(blob);
    rc = rc ? rc : fdt_end_node(blob);
    require(rc == 0 && fdt_finish(blob) == 0);
    fuzz_folder_write(path, blob, fdt_totalsize(blob));
}

/* Domain and UUID are those of the file's name. */
static void require_from(const char *file, uint32_t domid, const uint8_t h[16])
{
    char name[128];

    snprintf(name, sizeof(name),
             "userdata-d.%u.%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"
             ".libxl-json",
             domid, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12],
             h[13], h[14], h[15]);
    require(strcmp(file, name) == 0);
}

static void check(const struct dt_records *records, const char *file)
{
    require(!records->incomplete);
    require(records->unread_count <= 1 || records->count + records->unread_count > 1);
    for (size_t i = 0; i < records->count; i++) {
        const struct dt_record *record = &records->records[i];

        require(record->path && record->path[0] == '/');
        require((record->where == GUEST_PATH_KNOWN) == (record->guest_path != NULL));
        require(i == 0 || strcmp(record[-1].path, record->path) <= 0);
        require_from(file, record->domid, record->handle);
        if (record->guest_path)
            require(strcmp(record->path, "/soc/nic@1000") == 0 &&
                    strcmp(record->guest_path, "/passthrough/nic@2000") == 0);
    }
    for (size_t i = 0; i < records->unread_count; i++)
        require_from(file, records->unread[i].domid, records->unread[i].handle);
}

/* Reading it again tells the same. */
static void require_stable(struct toolstack_observer *observer, const char *file)
{
    const struct dt_records *records = toolstack_observer_get(observer);
    size_t count = records->count, unread = records->unread_count;

    require(toolstack_observer_refresh(observer) == 0);
    records = toolstack_observer_get(observer);
    require(records->count == count && records->unread_count == unread);
    check(records, file);
}

/* What an entry of a directory can be called. */
static bool is_a_name(const char *name)
{
    return *name && strlen(name) < 200 && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static void run(struct toolstack_observer *observer, const char *name, struct fuzz_text content)
{
    char file[PATH_MAX];

    snprintf(file, sizeof(file), "%s/var/lib/xen/%s", fuzz_folder, name);
    fuzz_folder_write(file, content.bytes, content.size);
    toolstack_observer_dispatch(observer);
    require(toolstack_observer_refresh(observer) == 0);
    check(toolstack_observer_get(observer), name);
    require_stable(observer, name);
    require(unlink(file) == 0);
    toolstack_observer_dispatch(observer);
    require(toolstack_observer_refresh(observer) == 0);
    require(toolstack_observer_get(observer)->count == 0);
    require(toolstack_observer_get(observer)->unread_count == 0);
}

/* One for all inputs: opening one is slow. */
static struct toolstack_observer *set_up(void)
{
    static struct toolstack_observer *observer;
    char path[PATH_MAX];

    if (observer)
        return observer;
    log_set_level(LOG_LEVEL_ERROR);
    fuzz_folder_make();
    fuzz_folder_enter(fuzz_folder, "/var");
    fuzz_folder_enter(fuzz_folder, "/var/lib");
    fuzz_folder_enter(fuzz_folder, "/var/lib/xen");
    snprintf(path, sizeof(path), "%s/partial.dtb", fuzz_folder);
    write_partial(path);
    require(toolstack_observer_open(&observer, fuzz_folder, NULL, NULL, NULL) == 0);
    return observer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = {(const char *)data, size}, line;
    char *name;

    if (!fuzz_cut(&rest, '\n', &line))
        return 0;
    name = fuzz_string(line);
    if (is_a_name(name))
        run(set_up(), name, rest);
    free(name);
    return 0;
}
