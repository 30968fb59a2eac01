/* SPDX-License-Identifier: MIT */
/*
 * A umockdev test bed, for programs that run with UMOCKDEV_DIR set to the folder printed first.
 * Each line "ACTION SYSPATH" on standard input sends that uevent, and is answered by "sent". The
 * bed goes when the input ends. It must itself run with libumockdev-preload.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <umockdev.h>

int main(void)
{
    UMockdevTestbed *bed;
    char line[4096], action[16], syspath[4000], *root;

    bed = umockdev_testbed_new();
    if (!umockdev_in_mock_environment())
        errx(1, "libumockdev-preload is not loaded");
    root = umockdev_testbed_get_root_dir(bed);
    printf("%s\n", root);
    fflush(stdout);
    g_free(root);
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%15s %3999s", action, syspath) != 2)
            errx(1, "not a uevent: %s", line);
        umockdev_testbed_uevent(bed, syspath, action);
        puts("sent");
        fflush(stdout);
    }
    g_object_unref(bed);
    return 0;
}
