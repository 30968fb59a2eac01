/* SPDX-License-Identifier: MIT */
#include "files.h"
#include "use.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 32

/* Where a walk is. */
struct walk {
    struct use *use;
    int depth;
};

/* What is below the folder of a device, by its subsystem, says of the device's users. */
enum kind {
    KIND_PART,   /* nothing: what it is used for lies below it */
    KIND_END,    /* the same, but where nothing does nobody uses it */
    KIND_NODE,   /* users have its node open */
    KIND_TTY,    /* the same, or it is a console */
    KIND_BLOCK,  /* a disk or partition */
    KIND_NET,    /* an interface */
    KIND_USB,    /* a root hub, or what is plugged into one */
    KIND_SCREEN, /* the kernel draws on it, with nothing open */
    KIND_DEVICE, /* a device of its own, with a driver of its own */
};

static const struct {
    const char *subsystem;
    enum kind kind;
} kinds[] = {
    {"ata_device", KIND_PART},
    {"ata_link", KIND_PART},
    {"ata_port", KIND_PART},
    {"hwmon", KIND_PART},
    {"leds", KIND_PART},
    {"mmc", KIND_PART},
    {"nvme-subsystem", KIND_PART},
    {"scsi", KIND_PART},
    {"scsi_device", KIND_PART},
    {"scsi_disk", KIND_PART},
    {"virtio", KIND_PART},
    {"wakeup", KIND_PART},
    {"mmc_host", KIND_END},
    {"scsi_host", KIND_END},
    {"bsg", KIND_NODE},
    {"mmc_rpmb", KIND_NODE},
    {"nvme", KIND_NODE},
    {"nvme-generic", KIND_NODE},
    {"ptp", KIND_NODE},
    {"scsi_generic", KIND_NODE},
    {"tty", KIND_TTY},
    {"block", KIND_BLOCK},
    {"net", KIND_NET},
    {"usb", KIND_USB},
    {"drm", KIND_SCREEN},
    {"graphics", KIND_SCREEN},
    {"vtconsole", KIND_SCREEN},
    {"amba", KIND_DEVICE},
    {"pci", KIND_DEVICE},
    {"platform", KIND_DEVICE},
};

static int add_node(struct use *use, const struct use_node *node)
{
    struct use_node *nodes = reallocarray(use->nodes, use->count + 1, sizeof(*nodes));

    if (nodes == NULL)
        return -ENOMEM;
    use->nodes = nodes;
    nodes[use->count++] = *node;
    return 0;
}

/* An attribute of a folder; "" where it has none, or none that can be read. */
static void attribute(const char *folder, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];

    text[0] = '\0';
    if (files_path(path, "%s/%s", folder, name) == 0)
        (void)files_line(path, text, size);
}

static int take_node(struct use *use, const char *folder, const char *name, bool is_block)
{
    struct use_node node = {.is_block = is_block};
    char text[32];
    size_t i;

    attribute(folder, "dev", text, sizeof(text));
    if (!use_parse_dev(text, &node.dev) || strlen(name) >= sizeof(node.name))
        return use_because(use, "in-use-unknown", "%s has no number", name);
    strcpy(node.name, name);
    for (i = 0; node.name[i] != '\0'; i++)
        if (node.name[i] == '!') /* stands for what no name in sysfs can hold */
            node.name[i] = '/';
    attribute(folder, "partition", text, sizeof(text));
    node.is_disk = is_block && text[0] == '\0';
    return add_node(use, &node);
}

static int take_holder(void *arg, const char *folder, const char *name)
{
    (void)folder;
    return use_because(arg, "held", "by %s", name);
}

static int take_block(struct use *use, const char *folder, const char *name)
{
    char text[32], holders[PATH_MAX];
    int rc;

    use->told = true;
    attribute(folder, "hidden", text, sizeof(text));
    if (strcmp(text, "1") == 0)
        return use_because(use, "in-use-unknown", "%s is one path of several to a disk", name);
    rc = files_path(holders, "%s/holders", folder);
    rc = rc != 0 ? rc : files_each(holders, take_holder, use);
    if (rc == -ENOMEM || rc > 0)
        return rc;
    if (rc < 0)
        return use_because(use, "in-use-unknown", "%s: %s", holders, strerror(-rc));
    return take_node(use, folder, name, true);
}

static int take_joint(void *arg, const char *folder, const char *name)
{
    (void)folder;
    if (strncmp(name, "upper_", 6) == 0 || strncmp(name, "lower_", 6) == 0)
        return use_because(arg, "interface-joined", "%s", name + 6);
    if (strcmp(name, "master") == 0 || strcmp(name, "brport") == 0)
        return use_because(arg, "interface-joined", "%s", name);
    return 0;
}

static int take_net(struct use *use, const char *folder, const char *name)
{
    char text[32], *end;
    unsigned long flags;
    int rc;

    use->told = true;
    attribute(folder, "flags", text, sizeof(text));
    flags = strtoul(text, &end, 16);
    if (text[0] == '\0' || *end != '\0')
        return use_because(use, "in-use-unknown", "%s has no flags", name);
    if ((flags & 1) != 0) /* IFF_UP */
        return use_because(use, "interface-up", "%s", name);
    rc = files_each(folder, take_joint, use);
    if (rc < 0 && rc != -ENOMEM)
        return use_because(use, "in-use-unknown", "%s: %s", folder, strerror(-rc));
    return rc;
}

/* Root hubs are "usb1", and their interfaces "1-0:1.0". */
static int take_usb(struct use *use, const char *name)
{
    const char *digits = strncmp(name, "usb", 3) == 0 ? name + 3 : name;
    const char *rest = digits + strspn(digits, "0123456789");

    use->told = true;
    if (rest > digits && (digits > name ? *rest == '\0' : strncmp(rest, "-0:", 3) == 0))
        return 0;
    return strncmp(name, "ep_", 3) == 0 ? 0 : use_because(use, "has-devices", "USB: %s", name);
}

static int take_kind(struct use *use, enum kind kind, const char *folder, const char *name)
{
    switch (kind) {
    case KIND_PART:
        break;
    case KIND_END:
        use->told = true;
        break;
    case KIND_TTY:
        use->told = true;
        return take_node(use, folder, name, false);
    case KIND_NODE:
        return take_node(use, folder, name, false);
    case KIND_BLOCK:
        return take_block(use, folder, name);
    case KIND_NET:
        return take_net(use, folder, name);
    case KIND_USB:
        return take_usb(use, name);
    case KIND_SCREEN:
        return use_because(use, "display", "%s", name);
    case KIND_DEVICE:
        return use_because(use, "has-devices", "%s", name);
    }
    return 0;
}

/* What a folder is itself, if it is a device's. */
static int take_folder(struct use *use, const char *folder, const char *name)
{
    char path[PATH_MAX], subsystem[64];
    size_t i;
    int rc;

    rc = files_path(path, "%s/subsystem", folder);
    rc = rc != 0 ? rc : files_link(path, subsystem, sizeof(subsystem));
    if (rc == -ENOENT)
        return 0;
    if (rc != 0)
        return use_because(use, "in-use-unknown", "%s: %s", path, strerror(-rc));
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].subsystem, subsystem) == 0)
            return take_kind(use, kinds[i].kind, folder, name);
    return use_because(use, "in-use-unknown", "%s, of the subsystem %s", name, subsystem);
}

static int count_entry(void *arg, const char *folder, const char *name)
{
    (void)arg, (void)folder, (void)name;
    return 1;
}

/* The kernel shows no interface that is in another network namespace, but where it was. */
static bool is_emptied(const char *folder, const char *name)
{
    return strcmp(name, "net") == 0 && files_each(folder, count_entry, NULL) == 0;
}

static int walk_entry(void *arg, const char *folder, const char *name)
{
    struct walk *walk = arg;
    struct walk below = {walk->use, walk->depth + 1};
    char path[PATH_MAX];
    struct stat status;
    int rc;

    if (strncmp(name, "consumer:", 9) == 0)
        return use_because(walk->use, "has-consumers", "%s", name + 9);
    if (files_path(path, "%s/%s", folder, name) != 0 || below.depth > DEPTH_MAX)
        return use_because(walk->use, "in-use-unknown", "too deep below %s", folder);
    if (lstat(path, &status) != 0)
        return use_because(walk->use, "in-use-unknown", "%s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return 0;
    if (is_emptied(path, name))
        return use_because(walk->use, "in-use-unknown", "an interface in another namespace");
    rc = take_folder(walk->use, path, name);
    rc = rc != 0 ? rc : files_each(path, walk_entry, &below);
    if (rc < 0 && rc != -ENOMEM)
        return use_because(walk->use, "in-use-unknown", "%s: %s", path, strerror(-rc));
    return rc;
}

int use_walk(struct use *use, const char *folder)
{
    struct walk walk = {use, 0};
    int rc = files_each(folder, walk_entry, &walk);

    if (rc < 0 && rc != -ENOMEM)
        return use_because(use, "in-use-unknown", "%s: %s", folder, strerror(-rc));
    return rc;
}
