/* SPDX-License-Identifier: MIT */
#include "view.h"
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int view_host_is_readable(struct store *store)
{
    struct store_value value;
    int rc = store_read(store, XENIOMMU_HOST_DIR "/version", &value);

    free(value.data);
    if (rc == -ENOENT || rc == -EACCES)
        return 0;
    return rc == 0 ? 1 : rc;
}

static void init(struct view *view, enum view_kind kind, int32_t domid)
{
    char root[TREE_ROOT_SIZE] = XENIOMMU_DIR;

    *view = (struct view){.kind = kind, .domid = domid};
    store_init(&view->store);
    if (kind == VIEW_DOMAIN)
        snprintf(root, sizeof(root), "/local/domain/%d/" XENIOMMU_DIR, domid);
    tree_init(&view->tree, &view->store, kind == VIEW_HOST ? XENIOMMU_HOST_DIR : root);
    view->tree.detailed = view->tree.doubts = true;
}

int view_open_own(struct view *view, int32_t domid)
{
    init(view, domid < 0 ? VIEW_OWN : VIEW_DOMAIN, domid);
    return store_connect(&view->store);
}

void view_follow(struct view *view, enum view_kind kind, int32_t domid)
{
    init(view, kind, domid);
    snprintf(view->watched, sizeof(view->watched), "%s/generation", view->tree.root);
    store_watch(&view->store, view->watched);
}

int view_open(struct view *view, int32_t domid)
{
    int rc = view_open_own(view, domid);

    if (rc != 0 || view->kind == VIEW_DOMAIN)
        return rc;
    rc = view_host_is_readable(&view->store);
    if (rc != 1)
        return rc;
    view->kind = VIEW_HOST;
    tree_init(&view->tree, &view->store, XENIOMMU_HOST_DIR);
    view->tree.detailed = view->tree.doubts = true;
    return 0;
}

void view_close(struct view *view)
{
    store_close(&view->store);
}

bool view_is_local(const struct view *view)
{
    return view->kind != VIEW_DOMAIN;
}

const char *view_name(const struct view *view)
{
    switch (view->kind) {
    case VIEW_HOST:
        return "host";
    case VIEW_OWN:
        return "own";
    case VIEW_DOMAIN:
        break;
    }
    return "domain";
}

const char *view_status(const struct view *view)
{
    return view->tree.gone ? "gone" : view->tree.status;
}

static int complain_denied(const struct view *view)
{
    if (view->kind == VIEW_DOMAIN)
        complain("domain %d: permission denied: only dom0 sees other domains", view->domid);
    else
        complain("XenStore: permission denied");
    return EXIT_FAILED;
}

int view_check_domain(struct view *view)
{
    struct store_value value;
    char path[TREE_ROOT_SIZE];
    int rc;

    if (view->kind != VIEW_DOMAIN)
        return EXIT_FINE;
    snprintf(path, sizeof(path), "/local/domain/%d", view->domid);
    rc = store_read(&view->store, path, &value);
    free(value.data);
    if (rc == -EACCES)
        return complain_denied(view);
    if (rc == -ENOENT) {
        complain("domain %d does not exist", view->domid);
        return EXIT_FAILED;
    }
    return EXIT_FINE;
}

static int complain_not_ready(struct view *view)
{
    int code = view_check_domain(view);

    if (code != EXIT_FINE)
        return code;
    if (view->tree.version[0] == '\0' && view->tree.status[0] == '\0')
        complain("nothing is published here: does xen-iommud run in dom0?");
    else if (view->tree.gone)
        complain("xen-iommud is gone: nobody keeps true what it has published");
    else if (strcmp(view->tree.status, "ready") == 0)
        complain("what is published changes faster than it can be read");
    else
        complain("xen-iommud is not ready: its status is \"%s\"", view->tree.status);
    return EXIT_NO_DAEMON;
}

int view_complain(struct view *view, int error)
{
    switch (error) {
    case -EAGAIN:
        return complain_not_ready(view);
    case -EPROTO:
        complain("published version \"%s\" is not known; this program knows \"%s\"",
                 view->tree.version, XENIOMMU_ABI_VERSION);
        break;
    case -EACCES:
        return complain_denied(view);
    case -E2BIG:
        complain("more devices than this xenstored can list; show DEVICE works");
        break;
    case -ENOTCONN:
        complain("XenStore cannot be reached: is this a Xen domain, and does xenstored run?");
        break;
    default:
        complain("%s", strerror(-error));
        break;
    }
    return EXIT_FAILED;
}
