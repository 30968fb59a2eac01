/* SPDX-License-Identifier: MIT */
/* libxenctrl: the handle, domains, physinfo and version. */
#include "fake.h"
#include "state.h"
#include "textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#define MAX_DOMAINS 1024

static char handle; /* its address is the handle */
static const xc_error no_error = {.code = XC_ERROR_NONE};

EXPORT xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild,
                                       unsigned int flags)
{
    struct call call;

    (void)logger;
    (void)dombuild;
    if (call_begin(&call, "xc_interface_open", "", "flags=%u", flags))
        return NULL;
    call_end(&call, 0, 0);
    return (xc_interface *)&handle;
}

EXPORT int xc_interface_close(xc_interface *xch)
{
    (void)xch;
    return 0;
}

EXPORT const xc_error *xc_get_last_error(xc_interface *xch)
{
    (void)xch;
    return &no_error;
}

EXPORT void xc_clear_last_error(xc_interface *xch)
{
    (void)xch;
}

EXPORT const char *xc_strerror(xc_interface *xch, int error)
{
    (void)xch;
    return strerror(error);
}

static void fill_dominfo(const struct domain *domain, xc_dominfo_t *info)
{
    uint32_t flags = domain->flags;

    info->domid = domain->domid;
    info->dying = !!(flags & XEN_DOMINF_dying);
    info->shutdown = !!(flags & XEN_DOMINF_shutdown);
    info->paused = !!(flags & XEN_DOMINF_paused);
    info->blocked = !!(flags & XEN_DOMINF_blocked);
    info->running = !!(flags & XEN_DOMINF_running);
    info->hvm = !!(flags & XEN_DOMINF_hvm_guest);
    info->hap = !!(flags & XEN_DOMINF_hap);
    info->shutdown_reason = flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    if (info->shutdown && info->shutdown_reason == SHUTDOWN_crash) {
        info->shutdown = 0;
        info->crashed = 1;
    }
    info->nr_pages = 65536;
    info->max_memkb = 262144;
    info->nr_online_vcpus = 1;
}

/* The C xenstored's call. */
EXPORT int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max,
                             xc_dominfo_t *info)
{
    struct domain copy[MAX_DOMAINS];
    size_t count;

    (void)xch;
    memset(info, 0, max * sizeof(*info));
    if (fault("xc_domain_getinfo"))
        return -1;
    count = domains_copy(first, copy, max < MAX_DOMAINS ? max : MAX_DOMAINS);
    if (!count) {
        errno = ESRCH;
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        fill_dominfo(&copy[i], &info[i]);
    return (int)count;
}

EXPORT int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    struct domain copy[MAX_DOMAINS];
    struct call call;
    size_t count;

    (void)xch;
    if (call_begin(&call, "xc_domain_getinfolist", "", "first=%u max=%u", first, max))
        return -1;
    count = domains_copy(first, copy, max < MAX_DOMAINS ? max : MAX_DOMAINS);
    for (size_t i = 0; i < count; i++) {
        memset(&info[i], 0, sizeof(info[i]));
        info[i].domain = (domid_t)copy[i].domid;
        info[i].flags = copy[i].flags;
        memcpy(info[i].handle, &copy[i].handle, sizeof(copy[i].handle));
        info[i].tot_pages = info[i].max_pages = 65536;
        info[i].nr_online_vcpus = 1;
    }
    return call_end(&call, (int)count, 0); /* none is 0, not an error */
}

static uint32_t parse_capabilities(const char *text)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {
        {"hvm", XEN_SYSCTL_PHYSCAP_hvm},
        {"pv", XEN_SYSCTL_PHYSCAP_pv},
        {"directio", XEN_SYSCTL_PHYSCAP_directio},
        {"hap", XEN_SYSCTL_PHYSCAP_hap},
    };
    char line[512], *save, *word;
    uint32_t bits = 0;

    while ((text = textfile_next_line(text, line, sizeof(line)))) {
        save = NULL;
        for (word = strtok_r(line, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
            if (strncmp(word, "0x", 2) == 0)
                bits |= (uint32_t)strtoul(word, NULL, 16);
            for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (strcmp(word, words[i].word) == 0)
                    bits |= words[i].bit;
        }
    }
    return bits;
}

static uint32_t capabilities(void)
{
    static struct textfile file = {.name = "physinfo"};
    uint32_t bits;

    fake_lock();
    textfile_refresh(&file);
    bits = parse_capabilities(file.text ? file.text : "hvm pv hap directio");
    fake_unlock();
    return bits;
}

bool iommu_is_driven(void)
{
    return capabilities() & XEN_SYSCTL_PHYSCAP_directio;
}

EXPORT int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
    struct call call;

    (void)xch;
    if (call_begin(&call, "xc_physinfo", "", "%s", ""))
        return -1;
    memset(info, 0, sizeof(*info));
    info->threads_per_core = 1;
    info->cores_per_socket = 2;
    info->nr_cpus = 2;
    info->max_cpu_id = 1;
    info->nr_nodes = 1;
    info->cpu_khz = 2000000;
    info->total_pages = 1 << 20;
    info->free_pages = 1 << 19;
    info->capabilities = capabilities();
    return call_end(&call, 0, 0);
}

/* The first line of a file, cut to fit as Xen does. */
static void copy_text(struct textfile *file, const char *otherwise, void *buffer, size_t size)
{
    const char *text;
    size_t length;

    fake_lock();
    textfile_refresh(file);
    text = file->text ? file->text : otherwise;
    length = strcspn(text, "\n");
    if (length > size - 1)
        length = size - 1;
    memset(buffer, 0, size);
    memcpy(buffer, text, length);
    fake_unlock();
}

/* The number in a file, 0 without it. */
static uint32_t number_in(struct textfile *file)
{
    char text[32];

    copy_text(file, "0", text, sizeof(text));
    return (uint32_t)strtoul(text, NULL, 0);
}

/* The console ring is the file "console"; "console.lost" tells how much Xen printed before that. */
EXPORT int xc_readconsolering(xc_interface *xch, char *buffer, unsigned int *pnr_chars, int clear,
                              int incremental, uint32_t *pindex)
{
    static struct textfile ring = {.name = "console"}, lost = {.name = "console.lost"};
    uint32_t start = number_in(&lost);
    struct call call;
    size_t length = 0;

    (void)xch;
    if (call_begin(&call, "xc_readconsolering", "", "clear=%d incremental=%d", clear, incremental))
        return -1;
    fake_lock();
    textfile_refresh(&ring);
    if (ring.text)
        length = strlen(ring.text) < *pnr_chars ? strlen(ring.text) : *pnr_chars;
    if (length)
        memcpy(buffer, ring.text, length);
    fake_unlock();
    *pnr_chars = (unsigned int)length;
    if (pindex)
        *pindex = start + (uint32_t)length;
    return call_end(&call, 0, 0);
}

static int version_number(void)
{
    static struct textfile file = {.name = "version"};
    unsigned int major, minor;
    char text[32];

    copy_text(&file, "4.17", text, sizeof(text));
    if (sscanf(text, "%u.%u", &major, &minor) != 2)
        return -1;
    return (int)(major << 16 | minor);
}

/* Answers one command. Returns xc_version()'s value, or -1 with *error. */
static int answer_version(int cmd, void *arg, int *error)
{
    static struct textfile cmdline = {.name = "cmdline"};
    xen_feature_info_t *features = arg;

    switch (cmd) {
    case XENVER_version:
        return version_number();
    case XENVER_extraversion:
        snprintf(arg, sizeof(xen_extraversion_t), ".7");
        return 0;
    case XENVER_capabilities:
        snprintf(arg, sizeof(xen_capabilities_info_t), "xen-3.0-x86_64 hvm-3.0-x86_64 ");
        return 0;
    case XENVER_get_features:
        features->submap = features->submap_idx ? 0 : 1u << XENFEAT_dom0;
        return 0;
    case XENVER_pagesize:
        return STATE_PAGE;
    case XENVER_commandline:
        copy_text(&cmdline, "placeholder", arg, sizeof(xen_commandline_t));
        return 0;
    default:
        *error = ENOSYS;
        return -1;
    }
}

EXPORT int xc_version(xc_interface *xch, int cmd, void *arg)
{
    static const char *const names[] = {
        [XENVER_version] = "version",           [XENVER_extraversion] = "extraversion",
        [XENVER_capabilities] = "capabilities", [XENVER_commandline] = "commandline",
        [XENVER_get_features] = "features",     [XENVER_pagesize] = "pagesize",
    };
    struct call call;
    int rc, error = 0;
    bool named = cmd >= 0 && (size_t)cmd < sizeof(names) / sizeof(names[0]) && names[cmd];

    (void)xch;
    if (call_begin(&call, "xc_version", named ? names[cmd] : "", "cmd=%d", cmd))
        return -1;
    rc = answer_version(cmd, arg, &error);
    return call_end(&call, rc, error);
}
