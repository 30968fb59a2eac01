/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "claim.h"
#include "driver_list.h"
#include "rebind.h"
#include "use.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The disks of a device, held. */
struct claims {
    int *files;
    size_t count;
};

static void let_go(struct claims *claims)
{
    while (claims->count > 0)
        close(claims->files[--claims->count]);
    free(claims->files);
    *claims = (struct claims){0};
}

/* 0, or -ENOMEM; a disk that cannot be held is noted as a reason. Let them go in any case. */
static int claim_all(struct claims *claims, struct apply_device *device, const struct use *use)
{
    size_t i;
    int file;

    *claims = (struct claims){.files = calloc(use->count + 1, sizeof(*claims->files))};
    if (claims->files == NULL)
        return -ENOMEM;
    for (i = 0; i < use->count; i++) {
        if (!use->nodes[i].is_disk)
            continue;
        file = claim_disk(use->root, &use->nodes[i]);
        if (file < 0) {
            apply_note(device, APPLY_REFUSED, file == -EBUSY ? "held" : "in-use-unknown", "%s: %s",
                       use->nodes[i].name, strerror(-file));
            return 0;
        }
        claims->files[claims->count++] = file;
    }
    return 0;
}

/* What the driver has done at the bind. */
static void note_decision(struct apply_device *device, const char *root)
{
    struct driver_list list;
    const struct driver_line *line = NULL;
    int rc = driver_list_read(&list, root);

    if (rc == 0)
        line = driver_list_find(&list, device->bus, device->name);
    if (line != NULL && strcmp(line->done, "taken") == 0)
        apply_note(device, APPLY_REBOUND, "", "%s", "");
    else if (line != NULL)
        apply_note(device, APPLY_UNCHANGED, "not-taken", "the Linux driver says: %s", line->why);
    else
        apply_note(device, APPLY_UNCHANGED, "not-taken", "the Linux driver does not name it: %s",
                   rc != 0 ? strerror(-rc) : "it is not in its list");
    driver_list_free(&list);
}

/* The device belongs to its driver, whatever becomes of swiotlb-xen. */
static void rebind_it(struct apply_device *device, const char *root, struct claims *claims)
{
    const struct rebind rebind = {root, device->bus, device->name, device->driver};
    int rc = rebind_unbind(&rebind);

    let_go(claims); /* those who bind find the disks free */
    if (rc != 0) {
        apply_note(device, APPLY_FAILED, "not-unbound", "%s does not let go: %s", device->driver,
                   strerror(-rc));
        return;
    }
    rc = rebind_bind(&rebind);
    if (rc != 0)
        rc = rebind_bind(&rebind);
    if (rc == 0)
        note_decision(device, root);
    else
        apply_note(device, APPLY_FAILED, "not-bound", "%s does not take it again: %s",
                   device->driver, strerror(-rc));
}

/* All looked at once more, with the disks held. */
static int look_again(struct apply_device *device, const char *root, const struct use *before)
{
    struct use use;
    int rc = apply_look(device, root, &use);

    if (rc == 0 && device->outcome == APPLY_WOULD_REBIND && use.count != before->count)
        apply_note(device, APPLY_REFUSED, "in-use-unknown", "what is below it changes");
    use_free(&use);
    return rc;
}

int apply_now(struct apply_device *device, const char *root, apply_may_skip_fn *may_skip, void *arg)
{
    struct claims claims = {0};
    struct use use;
    sigset_t all, before;
    int rc = apply_look(device, root, &use);

    if (rc == 0 && device->outcome == APPLY_WOULD_REBIND)
        rc = claim_all(&claims, device, &use);
    if (rc == 0 && device->outcome == APPLY_WOULD_REBIND)
        rc = look_again(device, root, &use);
    if (rc == 0 && device->outcome == APPLY_WOULD_REBIND && may_skip(arg, device)) {
        /* Nobody may end this between the two halves. */
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before);
        rebind_it(device, root, &claims);
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    let_go(&claims);
    use_free(&use);
    return rc;
}
