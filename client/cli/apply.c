/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "command.h"
#include "device.h"
#include "driver_list.h"
#include "files.h"
#include "use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A run of the command. */
struct apply {
    const struct request *request;
    struct view view;
    struct apply_report report;
    int error; /* of a question to XenStore after the first ones; 0: none */
};

static void free_devices(struct apply_report *report)
{
    size_t i;

    for (i = 0; i < report->count; i++) {
        free(report->devices[i].bus);
        free(report->devices[i].name);
        free(report->devices[i].path);
    }
    free(report->devices);
}

/* Takes the device tree path from a line of "uevent". */
static int take_path(void *arg, char *line)
{
    static const char key[] = "OF_FULLNAME=";
    struct apply_device *device = arg;

    if (strncmp(line, key, strlen(key)) != 0)
        return 0;
    device->path = strdup(line + strlen(key));
    return device->path != NULL ? 1 : -ENOMEM;
}

/* What the device is called where it is published. 1; 0: it cannot be published; or -ENOMEM. */
static int find_address(struct apply_device *device, const char *root)
{
    char uevent[PATH_MAX];
    int rc;

    if (strcmp(device->bus, "pci") == 0)
        return device_parse(device->name, &device->device) == 0;
    rc = files_path(uevent, "%s/sys/bus/%s/devices/%s/uevent", root, device->bus, device->name);
    rc = rc != 0 ? rc : files_lines(uevent, take_path, device);
    if (rc == -ENOMEM)
        return rc;
    return device->path != NULL && device_parse(device->path, &device->device) == 0;
}

/* 1: it may skip swiotlb-xen; 0: it may not, or is not published; or a negative errno. */
static int may_skip_of(struct apply *apply, const struct apply_device *device)
{
    struct tree_record record = {0};
    int rc = tree_read(&apply->view.tree, &device->device, &record);

    if (rc == -ENOENT || rc == -EINVAL)
        return 0;
    return rc == 0 ? record.info.skip_swiotlb : rc;
}

/* Puts a line's device into the report, if it is one for it. */
static int take_line(struct apply *apply, const struct driver_line *line)
{
    struct apply_report *report = &apply->report;
    struct apply_device *device = &report->devices[report->count];
    int rc;

    if (!driver_line_is_open(line))
        return 0;
    *device = (struct apply_device){.bus = strdup(line->bus), .name = strdup(line->name)};
    report->count++;
    if (device->bus == NULL || device->name == NULL)
        return -ENOMEM;
    rc = find_address(device, apply->request->root);
    if (rc == 1)
        rc = may_skip_of(apply, device);
    if (rc == 0) {
        free(device->bus);
        free(device->name);
        free(device->path);
        report->count--;
    }
    return rc < 0 ? rc : 0;
}

/* Those that could do without. 0 or a negative errno. */
static int find_devices(struct apply *apply, const struct driver_list *list)
{
    int rc = tree_refresh(&apply->view.tree);
    size_t i;

    apply->report.devices = calloc(list->count + 1, sizeof(*apply->report.devices));
    if (apply->report.devices == NULL)
        return -ENOMEM;
    for (i = 0; rc == 0 && i < list->count; i++)
        rc = take_line(apply, &list->lines[i]);
    return rc;
}

/* Asks again: the answer of before is older than all that was looked at since. */
static bool may_skip_still(void *arg, struct apply_device *device)
{
    struct apply *apply = arg;
    int rc = tree_refresh(&apply->view.tree);

    rc = rc != 0 ? rc : may_skip_of(apply, device);
    if (rc < 0)
        apply->error = rc;
    if (rc != 1)
        apply_note(device, APPLY_REFUSED, "not-published", "it may not skip swiotlb-xen any more");
    return rc == 1;
}

/* 0 or -ENOMEM. */
static int work_on(struct apply *apply, struct apply_device *device)
{
    struct use use;
    int rc;

    if (!apply->report.now) {
        rc = apply_look(device, apply->request->root, &use);
        use_free(&use);
        return rc;
    }
    rc = apply_now(device, apply->request->root, may_skip_still, apply);
    if (device->outcome == APPLY_FAILED || device->outcome == APPLY_UNCHANGED)
        complain("%s: %s", device->name, device->detail);
    return rc;
}

static int complain_of_driver(int error)
{
    if (error == -ENOENT)
        complain("%s is not there: is the module xeniommu loaded, and debugfs mounted?",
                 DRIVER_LIST);
    else if (error == -EPROTO)
        complain("%s has a line that this program does not know", DRIVER_LIST);
    else
        complain("%s: %s", DRIVER_LIST, strerror(-error));
    return EXIT_FAILED;
}

/* The exit code for what was done. */
static int judge(const struct apply_report *report)
{
    int code = EXIT_FINE;
    size_t i;

    for (i = 0; report->now && i < report->count; i++) {
        enum apply_outcome outcome = report->devices[i].outcome;

        if (outcome == APPLY_FAILED || outcome == APPLY_UNCHANGED)
            code = EXIT_FAILED;
        else if (outcome == APPLY_REFUSED && code == EXIT_FINE)
            code = EXIT_REFUSED;
    }
    return code;
}

static int run(struct apply *apply, const struct driver_list *list)
{
    int code, rc = view_open_own(&apply->view, -1);
    size_t i;

    if (rc == 0)
        rc = find_devices(apply, list);
    for (i = 0; rc == 0 && i < apply->report.count; i++)
        rc = work_on(apply, &apply->report.devices[i]);
    if (rc == 0)
        rc = apply->request->writer->apply(&apply->report);
    code = rc == 0 ? judge(&apply->report) : view_complain(&apply->view, rc);
    if (rc == 0 && apply->error != 0)
        code = view_complain(&apply->view, apply->error);
    view_close(&apply->view);
    free_devices(&apply->report);
    return code;
}

/* Only one at a time may work; the lock ends with the program. 0 or a negative errno. */
static int lock_list(const struct request *request, int *lock)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s" DRIVER_LIST, request->root);

    *lock = rc == 0 && request->now ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (rc != 0 || !request->now)
        return rc;
    return *lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) != 0 ? -errno : 0;
}

int command_apply(const struct request *request)
{
    struct apply apply = {.request = request, .report = {.now = request->now}};
    struct driver_list list = {0};
    int lock, code, rc = lock_list(request, &lock);

    if (rc == -EWOULDBLOCK) {
        complain("another xen-iommu apply is at work");
        code = EXIT_FAILED;
    } else {
        rc = rc != 0 ? rc : driver_list_read(&list, request->root);
        code = rc == 0 ? run(&apply, &list) : complain_of_driver(rc);
    }
    driver_list_free(&list);
    if (lock >= 0)
        close(lock);
    return code;
}
