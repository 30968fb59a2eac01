/* SPDX-License-Identifier: MIT */
/* What the daemon is asked to do, whoever asks: the command line and the configuration file both
 * fill it by the same keys. */
#ifndef XI_SETTINGS_H
#define XI_SETTINGS_H

#include <stdbool.h>

#include "log.h"

enum mode { MODE_DAEMON, MODE_ONCE, MODE_WITHDRAW, MODE_EARLY, MODE_CHECK_CONFIG, MODE_DONE };

struct settings {
    /* The command line's alone. */
    enum mode mode; /* MODE_DONE: --help or --version, all was said */
    char *config;   /* NULL: the default file, which may be missing */
    char *host_dtb; /* NULL: the running kernel's */
    char *sysroot;  /* never NULL after settings_init() */
    /* The keys. */
    char *acpi_tables; /* NULL: below sysroot */
    char *lock_file;
    char *xen_builtin_cmdline; /* CONFIG_CMDLINE of the running Xen; "": it has none; NULL: not said
                                */
    char *user;                /* whom to run as; NULL: not said, see privileges.h */
    enum log_level log_level;
    bool grant_dma_stub;     /* a zero-cell xen,grant-dma claims Xen's IOMMU */
    unsigned int recheck_ms; /* how long a letting-go without event may go unnoticed */
    unsigned int
        confirm_ms;      /* how long a claim may stand that Xen has not confirmed; 0: for ever */
    unsigned int set;    /* the keys that were set, one bit each: settings.c's business */
    unsigned int sealed; /* ... and those that stay as they are */
};

/* The defaults. 0 or -ENOMEM; the caller calls settings_clear() in both cases. */
int settings_init(struct settings *settings);
void settings_clear(struct settings *settings);

/* Sets one key. 0, -ENOENT for an unknown key, -EINVAL for a value that makes no sense, -ENOMEM. A
 * sealed key's value is checked and not taken. */
int settings_set(struct settings *settings, const char *key, const char *value);

/* What is set by now stays, whatever is read later. */
void settings_seal(struct settings *settings);

/* The values that a key can have, in words for an error message; NULL for an unknown key. */
const char *settings_values(const char *key);

/* Copies value into one of the texts above. 0 or -ENOMEM. */
int settings_replace(char **field, const char *value);

#endif
