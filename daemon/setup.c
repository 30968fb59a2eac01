/* SPDX-License-Identifier: MIT */
#include "setup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "options.h"
#include "paths.h"

/* Not what is configured: the service manager does well to try again. */
static bool is_passing(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EIO ||
           error == -EINTR || error == -EAGAIN;
}

static int read_config(struct settings *settings)
{
    const char *path = settings->config ? settings->config : XI_CONFIG_FILE;
    char error[512];
    int rc = config_read(path, settings, error, sizeof(error));

    if (rc == 0 || (rc == -ENOENT && !settings->config))
        return 0;
    fprintf(stderr, "xen-iommud: %s\n", error);
    /* After a crash the service manager must be able to take everything back, whatever the file
     * holds by then. */
    if (settings->mode == MODE_WITHDRAW && rc != -ENOMEM)
        return 0;
    /* What it would have said is not known, and no boot may fail of it. */
    if (settings->mode == MODE_EARLY) {
        settings->mode = MODE_DONE;
        return 0;
    }
    return is_passing(rc) ? 1 : EXIT_USAGE;
}

int setup_read(struct settings *settings, int argc, char **argv)
{
    int code;

    if (settings_init(settings)) {
        fprintf(stderr, "xen-iommud: out of memory\n");
        return 1;
    }
    /* It names the file, so it is read first; what it sets stays. */
    code = options_parse(settings, argc, argv);
    if (code || settings->mode == MODE_DONE)
        return code;
    settings_seal(settings);
    return read_config(settings);
}
