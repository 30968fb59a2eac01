/* SPDX-License-Identifier: MIT */
/* What sysfs says of a PCI function, as hostile bytes: "NAME=VALUE" lines are its attributes, and
 * where NAME is driver, physfn or name a link's target, or its own name. */
#include "fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz_folder.h"
#include "observe/pci_function.h"

static const char *const attributes[] = {"class",  "vendor", "device", "secondary_bus_number",
                                         "config", "driver", "physfn"};
#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* An address has one name, upper-case digits apart. */
static void check_name(const char *name)
{
    uint32_t sbdf = 0;
    char again[16];

    if (!pci_function_parse_name(name, &sbdf))
        return;
    snprintf(again, sizeof(again), "%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff,
             sbdf >> 3 & 0x1f, sbdf & 7);
    require(strcasecmp(name, again) == 0);
}

static void put(const char *folder, const char *name, struct fuzz_text value)
{
    char path[PATH_MAX], *target = fuzz_string(value);

    check_name(target);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
    if (strcmp(name, "driver") != 0 && strcmp(name, "physfn") != 0)
        fuzz_folder_write(path, value.bytes, value.size);
    else if (*target && strlen(target) < 200)
        require(symlink(target, path) == 0);
    free(target);
}

static void forget(const char *folder)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ATTRIBUTES; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, attributes[i]);
        unlink(path);
    }
}

static void check(const char *folder)
{
    struct pci_function function, again;
    const char *what = NULL;
    int rc;

    memset(&function, 0x5a, sizeof(function));
    rc = pci_function_read(folder, NULL, &function, &what);
    require(rc <= 0 && rc != -ENOENT);
    if (rc < 0) {
        require(what && *what);
        return;
    }
    require(function.sbdf == 0x0108 && function.parent == 0x0020);
    require(memchr(function.driver, '\0', sizeof(function.driver)) != NULL);
    require(function.is_bridge || !function.secondary_bus);
    require(function.incarnation == 0 && function.events == 0 && !function.late);
    memset(&again, 0xa5, sizeof(again));
    require(pci_function_read(folder, NULL, &again, &what) == 0);
    require(memcmp(&function, &again, sizeof(function)) == 0);
}

static const char *set_up(void)
{
    static char path[PATH_MAX];
    const char *folder;

    if (*path)
        return path;
    folder = fuzz_folder_make();
    fuzz_folder_enter(folder, "/pci0000:00");
    fuzz_folder_enter(folder, "/pci0000:00/0000:00:04.0");
    fuzz_folder_enter(folder, "/pci0000:00/0000:00:04.0/0000:01:01.0");
    snprintf(path, sizeof(path), "%s/pci0000:00/0000:00:04.0/0000:01:01.0", folder);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = {(const char *)data, size}, line, value;
    const char *folder = set_up();
    char name[64];

    forget(folder);
    while (fuzz_cut(&rest, '\n', &line))
        if (fuzz_node(line, name, sizeof(name), &value))
            for (size_t i = 0; i < ATTRIBUTES; i++)
                if (strcmp(name, attributes[i]) == 0)
                    put(folder, name, value);
    check(folder);
    return 0;
}
