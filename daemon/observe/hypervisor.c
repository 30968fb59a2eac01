/* SPDX-License-Identifier: MIT */
#include "observe/hypervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenhypfs.h>
#include <xentoollog.h>

#include "log.h"
#include "parse/xen_boot.h"

struct hypervisor {
    xc_interface *xch;
    xenhypfs_handle *hypfs; /* NULL: none, and hypfs_error says why */
    int hypfs_error;
    xentoollog_logger_stdiostream *logger;
};

/* This need not go on: who could not be asked may have something to tell. */
static bool is_passing(int error)
{
    switch (error) {
    case ENOMEM:
    case EIO:
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case EFAULT:
        return true;
    default:
        return false;
    }
}

int hypervisor_open(struct hypervisor **out)
{
    struct hypervisor *hypervisor = calloc(1, sizeof(*hypervisor));
    int rc;

    *out = NULL;
    if (!hypervisor)
        return -ENOMEM;
    /* libxenctrl's own lines would repeat what our callers say with more sense. */
    hypervisor->logger = xtl_createlogger_stdiostream(stderr, XTL_CRITICAL, 0);
    if (!hypervisor->logger) {
        free(hypervisor);
        return -ENOMEM;
    }
    errno = 0;
    hypervisor->xch = xc_interface_open((xentoollog_logger *)hypervisor->logger, NULL, 0);
    if (!hypervisor->xch) {
        rc = errno ? -errno : -EIO;
        hypervisor_close(hypervisor);
        return rc;
    }
    /* Now, for only root can; who could not open it just now is started anew. */
    errno = 0;
    hypervisor->hypfs = xenhypfs_open((xentoollog_logger *)hypervisor->logger, 0);
    hypervisor->hypfs_error = errno;
    if (!hypervisor->hypfs && is_passing(hypervisor->hypfs_error)) {
        rc = -hypervisor->hypfs_error;
        hypervisor_close(hypervisor);
        return rc;
    }
    *out = hypervisor;
    return 0;
}

void hypervisor_close(struct hypervisor *hypervisor)
{
    if (!hypervisor)
        return;
    if (hypervisor->xch && xc_interface_close(hypervisor->xch))
        log_warning("closing the hypervisor interface: %s", strerror(errno));
    if (hypervisor->hypfs && xenhypfs_close(hypervisor->hypfs))
        log_debug("closing hypfs: %s", strerror(errno));
    xtl_logger_destroy((xentoollog_logger *)hypervisor->logger);
    free(hypervisor);
}

int hypervisor_iommu(struct hypervisor *hypervisor, enum iommu_use *use)
{
    xc_physinfo_t info = {0};

    *use = IOMMU_UNKNOWN;
    if (xc_physinfo(hypervisor->xch, &info))
        return errno ? -errno : -EIO;
    *use = info.capabilities & XEN_SYSCTL_PHYSCAP_directio ? IOMMU_ENABLED : IOMMU_DISABLED;
    return 0;
}

/* A Xen without hypfs, or without its configuration in it, has nothing to tell: 0. 1 when it has,
 * or the negative errno of what need not go on. */
static int read_build(struct hypervisor *hypervisor, struct xen_build *build)
{
    char *text = NULL;
    int rc = 1;

    errno = hypervisor->hypfs_error;
    if (hypervisor->hypfs) {
        errno = 0;
        text = xenhypfs_read(hypervisor->hypfs, "/buildinfo/config");
    }
    if (text) {
        xen_build_parse(text, strlen(text), build);
    } else {
        rc = is_passing(errno) ? -errno : 0;
        log_debug("reading Xen's build configuration: %s", strerror(errno));
    }
    free(text);
    return rc;
}

/* What Xen printed at boot is at the ring's beginning, if it is there at all. */
#define RING_READ_MIN (64u << 10)
#define RING_READ_MAX (1u << 20)

/* As read_build(). */
static int read_messages(struct hypervisor *hypervisor, struct xen_messages *messages)
{
    unsigned int size = RING_READ_MIN, got = size;
    char *text = malloc(size), *grown;
    uint32_t end = 0;
    int rc = -1;

    if (!text)
        return -ENOMEM;
    errno = 0;
    while (text && (rc = xc_readconsolering(hypervisor->xch, text, &got, 0, 0, &end)) == 0 &&
           got == size && size < RING_READ_MAX) {
        size *= 2;
        got = size;
        end = 0;
        grown = realloc(text, size);
        if (!grown)
            free(text);
        text = grown;
        rc = -1;
    }
    if (rc == 0) {
        xen_messages_parse(text, got, end == got, messages);
        rc = 1;
    } else {
        rc = is_passing(errno) ? -errno : 0;
        log_debug("reading Xen's console: %s", strerror(errno));
    }
    free(text);
    return rc;
}

static void report(const struct xen_boot *boot, const struct xen_cmdline *cmdline)
{
    static const char *const builtin[] = {
        [BUILTIN_UNKNOWN] = "not known", [BUILTIN_NONE] = "none", [BUILTIN_GIVEN] = "some"};
    static const char *const modes[] = {[DOM0_MODE_UNKNOWN] = "unknown",
                                        [DOM0_RELAXED] = "relaxed",
                                        [DOM0_STRICT] = "strict",
                                        [DOM0_PASSTHROUGH] = "passthrough",
                                        [DOM0_TRANSLATED] = "translated"};

    log_info("Xen's built-in options: %s (build configuration: %s; boot messages: %s)",
             builtin[cmdline->builtin], boot->build ? builtin[boot->build->builtin] : "not read",
             boot->messages ? builtin[boot->messages->builtin] : "not read");
    log_info("dom0's devices: %s as PV, %s as PVH; Xen's messages say: %s", modes[cmdline->pv_dom0],
             modes[cmdline->pvh_dom0],
             boot->messages ? modes[boot->messages->dom0_mode] : "not read");
}

int hypervisor_cmdline(struct hypervisor *hypervisor, const char *builtin,
                       struct xen_cmdline *cmdline)
{
    xen_commandline_t text = {0};
    struct xen_messages messages;
    struct xen_build build;
    struct xen_boot boot = {.given = text, .configured = builtin};
    int told_build, told_messages;
    size_t length;

    if (xc_version(hypervisor->xch, XENVER_commandline, &text) < 0)
        return errno ? -errno : -EIO;
    length = strnlen(text, sizeof(text));
    if (length == sizeof(text))
        text[--length] = '\0';
    boot.given_cut = length >= sizeof(text) - 1;
    told_build = read_build(hypervisor, &build);
    told_messages = read_messages(hypervisor, &messages);
    if (told_build < 0 || told_messages < 0)
        return told_build < 0 ? told_build : told_messages;
    boot.build = told_build ? &build : NULL;
    boot.messages = told_messages ? &messages : NULL;
    xen_boot_conclude(&boot, cmdline);
    report(&boot, cmdline);
    return 0;
}

static void convert(const xc_domaininfo_t *info, struct domain *domain)
{
    domain->domid = info->domain;
    domain->alive = !(info->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown));
    domain->paused = info->flags & XEN_DOMINF_paused;
    domain->kind = info->flags & XEN_DOMINF_hvm_guest ? GUEST_KIND_TRANSLATED : GUEST_KIND_PV;
    memcpy(domain->handle, info->handle, sizeof(domain->handle));
}

int hypervisor_domains(struct hypervisor *hypervisor, struct domain_list *list)
{
    enum { CHUNK = 128 };
    xc_domaininfo_t info[CHUNK];
    uint32_t first = 0;
    int found;

    *list = (struct domain_list){NULL, 0};
    do {
        struct domain *grown;

        found = xc_domain_getinfolist(hypervisor->xch, first, CHUNK, info);
        if (found < 0) {
            int rc = errno ? -errno : -EIO;

            domain_list_free(list);
            return rc;
        }
        grown = reallocarray(list->domains, list->count + (size_t)found + 1, sizeof(*grown));
        if (!grown) {
            domain_list_free(list);
            return -ENOMEM;
        }
        list->domains = grown;
        for (int i = 0; i < found; i++)
            convert(&info[i], &list->domains[list->count++]);
        if (found)
            first = info[found - 1].domain + 1u;
    } while (found == CHUNK);
    return 0;
}

void domain_list_free(struct domain_list *list)
{
    free(list->domains);
    *list = (struct domain_list){NULL, 0};
}

static int compare(const void *key, const void *element)
{
    uint32_t domid = *(const uint32_t *)key;
    const struct domain *domain = element;

    return domid < domain->domid ? -1 : domid > domain->domid;
}

const struct domain *domain_list_find(const struct domain_list *list, uint32_t domid)
{
    if (!list->count)
        return NULL;
    return bsearch(&domid, list->domains, list->count, sizeof(*list->domains), compare);
}

int hypervisor_identify(struct hypervisor *hypervisor, uint32_t domid, uint8_t handle[16])
{
    xc_domaininfo_t info;
    int found = xc_domain_getinfolist(hypervisor->xch, domid, 1, &info);

    if (found < 0)
        return errno ? -errno : -EIO;
    /* Without such a domain Xen tells of the next one. */
    if (!found || info.domain != domid)
        return -ESRCH;
    memcpy(handle, info.handle, sizeof(info.handle));
    return 0;
}

/* What a failed question means: an answer, or that there is none. */
static int interpret(int error, enum oracle_answer *answer)
{
    switch (error) {
    case EINVAL:
        *answer = ORACLE_TAKEN;
        return 0;
    case EOPNOTSUPP:
        *answer = ORACLE_UNSUPPORTED;
        return 0;
    default:
        *answer = ORACLE_NONE;
        return error ? -error : -EIO;
    }
}

int hypervisor_ask_pci(struct hypervisor *hypervisor, uint32_t sbdf, enum oracle_answer *answer)
{
    *answer = ORACLE_FREE;
    if (xc_test_assign_device(hypervisor->xch, DOMID_INVALID, sbdf) == 0)
        return 0;
    return interpret(errno, answer);
}

int hypervisor_ask_dt(struct hypervisor *hypervisor, const char *path, enum oracle_answer *answer)
{
    char *copy = strdup(path); /* the call takes it without const */
    int rc, error;

    *answer = ORACLE_NONE;
    if (!copy)
        return -ENOMEM;
    rc = xc_test_assign_dt_device(hypervisor->xch, DOMID_INVALID, copy);
    error = errno;
    free(copy);
    *answer = rc == 0 ? ORACLE_FREE : ORACLE_NO_DEVICE;
    return rc == 0 || error == ESRCH ? 0 : interpret(error, answer);
}

int hypervisor_mates(struct hypervisor *hypervisor, uint32_t domid, uint32_t sbdf,
                     uint32_t mates[HYPERVISOR_MATES_MAX], size_t *count)
{
    uint32_t listed[HYPERVISOR_MATES_MAX];
    uint32_t found = 0;

    *count = 0;
    if (xc_get_device_group(hypervisor->xch, domid, sbdf, HYPERVISOR_MATES_MAX, &found, listed)) {
        /* A guest that was made without passthrough has no IOMMU, and nothing assigned; nor has one
         * that is gone. */
        if ((errno == EOPNOTSUPP || errno == ESRCH) && domid != 0)
            return 0;
        return errno ? -errno : -EIO;
    }
    /* A full answer may be a cut one. */
    if (found >= HYPERVISOR_MATES_MAX)
        return -E2BIG;
    /* Xen gives bus << 16 | devfn << 8, and leaves the segment out. */
    for (uint32_t i = 0; i < found; i++)
        mates[i] = (sbdf & 0xffff0000u) | (listed[i] >> 8 & 0xffff);
    *count = found;
    return 0;
}
