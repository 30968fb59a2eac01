/* SPDX-License-Identifier: MIT */
/* A domain's partial device tree, as hostile bytes. What it says counts once, and only if it cannot
 * have changed since the domain was made. */
#include "fuzz.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "fuzz_folder.h"
#include "observe/guest_tree.h"

static const uint8_t handle[16] = {1, 2, 3};

/* All that it knows is a pair of its own, and nothing else is known. */
static void check(const struct guest_tree *tree)
{
    const char *path = "";

    require(tree->where == GUEST_PATH_KNOWN || tree->partial.count == 0);
    require(guest_tree_find(tree, "/no/such/node", &path) != GUEST_PATH_HOST);
    for (size_t i = 0; i < tree->partial.count; i++) {
        const struct dt_partial_pair *pair = &tree->partial.pairs[i];
        enum dt_guest_path where = guest_tree_find(tree, pair->host, &path);

        require((where == GUEST_PATH_KNOWN) == (path != NULL));
        require(!path || strcmp(path, pair->guest) == 0);
        require(pair->host[0] == '/' && pair->guest[0] == '/');
    }
}

/* A domain that was made so many seconds from now. Returns whether its tree is known. */
static bool settle(const char *folder, long seconds)
{
    struct guest_trees trees = {NULL, 0, 0};
    struct timespec born;
    struct guest_tree *tree;
    const char *problem = NULL;
    bool known;

    require(clock_gettime(CLOCK_REALTIME, &born) == 0);
    born.tv_sec += seconds;
    tree = guest_trees_add(&trees, 1, handle, &born);
    require(tree && guest_tree_settle(tree, NULL, folder, "/partial.dtb", &problem) == 0);
    require(tree->settled && tree->where != GUEST_PATH_HOST);
    known = tree->where == GUEST_PATH_KNOWN;
    require(known == !problem);
    check(tree);
    guest_trees_clear(&trees);
    return known;
}

/* libxl's record of the domain, which names the file. */
static const char *set_up(void)
{
    static const char record[] = "{\"b_info\": {\"device_tree\": \"/partial.dtb\"}}";
    const char *folder = fuzz_folder_make();
    char path[PATH_MAX];

    fuzz_folder_enter(folder, "/var");
    fuzz_folder_enter(folder, "/var/lib");
    fuzz_folder_enter(folder, "/var/lib/xen");
    snprintf(path, sizeof(path), "%s/var/lib/xen/userdata-d.1.%s.libxl-json", folder,
             "01020300-0000-0000-0000-000000000000");
    fuzz_folder_write(path, record, sizeof(record) - 1);
    return folder;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *folder;
    char path[PATH_MAX];

    if (!folder)
        folder = set_up();
    snprintf(path, sizeof(path), "%s/partial.dtb", folder);
    fuzz_folder_write(path, data, size);
    require(!settle(folder, -60));
    settle(folder, 60);
    return 0;
}
