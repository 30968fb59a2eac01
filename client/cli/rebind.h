/* SPDX-License-Identifier: MIT */
/* A device and its driver, as sysfs lets them part and meet. */
#ifndef XI_CLIENT_CLI_REBIND_H
#define XI_CLIENT_CLI_REBIND_H

/* Where both lie. */
struct rebind {
    const char *root;   /* before every path: "" but for tests */
    const char *bus;    /* "platform" */
    const char *name;   /* "a003800.virtio_mmio" */
    const char *driver; /* "virtio-mmio" */
};

/* The name of the device's driver now; "" where it has none. 0 or a negative errno. */
int rebind_driver(const struct rebind *rebind, char *driver, unsigned int size);

/* Whether the driver lets itself be unbound and bound. 0 or a negative errno. */
int rebind_possible(const struct rebind *rebind);

/* Takes the device from its driver, and gives it to it. 0 when that has happened, or a negative
 * errno, -ETIMEDOUT where the kernel says so, but it does not show in time. */
int rebind_unbind(const struct rebind *rebind);
int rebind_bind(const struct rebind *rebind);

#endif
