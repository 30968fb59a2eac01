/* SPDX-License-Identifier: MIT */
#include "fake_hypervisor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 64
#define NODES_MAX     16
#define DOMAINS_MAX   16

static struct {
    enum iommu_use iommu;
    struct xen_cmdline cmdline;
    struct domain domains[DOMAINS_MAX]; /* sorted */
    size_t domain_count;
    struct {
        uint32_t sbdf, owner, group;
        unsigned int asked;
    } functions[FUNCTIONS_MAX];
    size_t function_count;
    struct {
        char path[64];
        enum oracle_answer answer;
    } nodes[NODES_MAX];
    size_t node_count;
    struct {
        char call[16];
        int error, count;
    } failure;
    void (*before_answer)(void), (*after_answer)(void);
    unsigned int questions, listings;
} xen;

void fake_xen_reset(void)
{
    memset(&xen, 0, sizeof(xen));
    xen.iommu = IOMMU_ENABLED;
    xen.cmdline = (struct xen_cmdline){.pv_dom0 = DOM0_STRICT,
                                       .pvh_dom0 = DOM0_TRANSLATED,
                                       .igfx = XEN_ON,
                                       .quarantine = XEN_ON,
                                       .bios_workaround = XEN_OFF,
                                       .intremap = XEN_ON,
                                       .builtin = BUILTIN_NONE};
    (void)fake_xen_domain(0);
}

void fake_xen_iommu(enum iommu_use use)
{
    xen.iommu = use;
}

struct xen_cmdline *fake_xen_cmdline(void)
{
    return &xen.cmdline;
}

struct domain *fake_xen_domain(uint32_t domid)
{
    size_t at = 0;

    while (at < xen.domain_count && xen.domains[at].domid < domid)
        at++;
    if (at < xen.domain_count && xen.domains[at].domid == domid)
        return &xen.domains[at];
    if (xen.domain_count == DOMAINS_MAX)
        abort();
    memmove(&xen.domains[at + 1], &xen.domains[at],
            (xen.domain_count++ - at) * sizeof(xen.domains[0]));
    xen.domains[at] = (struct domain){.domid = domid, .alive = true, .kind = GUEST_KIND_PV};
    memset(xen.domains[at].handle, (int)domid, sizeof(xen.domains[at].handle));
    return &xen.domains[at];
}

void fake_xen_end(uint32_t domid)
{
    size_t kept = 0;

    for (size_t i = 0; i < xen.domain_count; i++)
        if (xen.domains[i].domid != domid)
            xen.domains[kept++] = xen.domains[i];
    xen.domain_count = kept;
}

static size_t find(uint32_t sbdf)
{
    size_t at = 0;

    while (at < xen.function_count && xen.functions[at].sbdf != sbdf)
        at++;
    return at;
}

void fake_xen_give(uint32_t sbdf, uint32_t owner)
{
    size_t at = find(sbdf);

    if (at == FUNCTIONS_MAX)
        abort();
    if (at == xen.function_count) {
        xen.function_count++;
        xen.functions[at].sbdf = xen.functions[at].group = sbdf;
    }
    xen.functions[at].owner = owner;
}

void fake_xen_group(uint32_t sbdf, uint32_t other)
{
    uint32_t group = xen.functions[find(sbdf)].group, old = xen.functions[find(other)].group;

    for (size_t i = 0; i < xen.function_count; i++)
        if (xen.functions[i].group == old)
            xen.functions[i].group = group;
}

void fake_xen_give_node(const char *path, enum oracle_answer answer)
{
    size_t at = 0;

    while (at < xen.node_count && strcmp(xen.nodes[at].path, path) != 0)
        at++;
    if (at == NODES_MAX)
        abort();
    if (at == xen.node_count)
        xen.node_count++;
    snprintf(xen.nodes[at].path, sizeof(xen.nodes[at].path), "%s", path);
    xen.nodes[at].answer = answer;
}

void fake_xen_fail(const char *call, int error, int count)
{
    snprintf(xen.failure.call, sizeof(xen.failure.call), "%s", call);
    xen.failure.error = error;
    xen.failure.count = count;
}

void fake_xen_before_answer(void (*fn)(void))
{
    xen.before_answer = fn;
}

void fake_xen_after_answer(void (*fn)(void))
{
    xen.after_answer = fn;
}

unsigned int fake_xen_asked(uint32_t sbdf)
{
    size_t at = find(sbdf);

    return at < xen.function_count ? xen.functions[at].asked : 0;
}

unsigned int fake_xen_questions(void)
{
    return xen.questions;
}

unsigned int fake_xen_listings(void)
{
    return xen.listings;
}

static int failing(const char *call)
{
    if (!xen.failure.count || strcmp(call, xen.failure.call) != 0)
        return 0;
    xen.failure.count--;
    return -xen.failure.error;
}

static void call_once(void (**slot)(void))
{
    void (*fn)(void) = *slot;

    *slot = NULL;
    if (fn)
        fn();
}

/* ------------------------------------------------------------- observe/hypervisor.h */

int hypervisor_iommu(struct hypervisor *hypervisor, enum iommu_use *use)
{
    int rc = failing("iommu");

    (void)hypervisor;
    *use = rc < 0 ? IOMMU_UNKNOWN : xen.iommu;
    return rc;
}

int hypervisor_cmdline(struct hypervisor *hypervisor, const char *builtin,
                       struct xen_cmdline *cmdline)
{
    int rc = failing("cmdline");

    (void)hypervisor;
    (void)builtin;
    /* What is left of a failed call is not zero, so that nobody gets away with reading it. */
    *cmdline = xen.cmdline;
    return rc;
}

int hypervisor_domains(struct hypervisor *hypervisor, struct domain_list *list)
{
    int rc = failing("domains");

    (void)hypervisor;
    *list = (struct domain_list){NULL, 0};
    if (rc < 0)
        return rc;
    list->domains = calloc(xen.domain_count + 1, sizeof(*list->domains));
    if (!list->domains)
        return -ENOMEM;
    memcpy(list->domains, xen.domains, xen.domain_count * sizeof(*list->domains));
    list->count = xen.domain_count;
    return 0;
}

void domain_list_free(struct domain_list *list)
{
    free(list->domains);
    *list = (struct domain_list){NULL, 0};
}

const struct domain *domain_list_find(const struct domain_list *list, uint32_t domid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->domains[i].domid == domid)
            return &list->domains[i];
    return NULL;
}

int hypervisor_identify(struct hypervisor *hypervisor, uint32_t domid, uint8_t handle[16])
{
    struct domain_list list = {xen.domains, xen.domain_count};
    const struct domain *domain = domain_list_find(&list, domid);
    int rc = failing("identify");

    (void)hypervisor;
    if (rc == 0 && !domain)
        rc = -ESRCH;
    if (rc == 0)
        memcpy(handle, domain->handle, sizeof(domain->handle));
    return rc;
}

/* Nobody but a guest has what cannot be assigned. */
static enum oracle_answer answer_pci(uint32_t sbdf)
{
    size_t at = find(sbdf);

    if (at < xen.function_count)
        xen.functions[at].asked++;
    if (at == xen.function_count || xen.functions[at].owner == 0 ||
        xen.functions[at].owner == FAKE_XEN_QUARANTINE)
        return ORACLE_FREE;
    return ORACLE_TAKEN;
}

static enum oracle_answer answer_dt(const char *path)
{
    for (size_t i = 0; i < xen.node_count; i++)
        if (strcmp(xen.nodes[i].path, path) == 0)
            return xen.nodes[i].answer;
    return ORACLE_NO_DEVICE;
}

static int ask(uint32_t sbdf, const char *path, enum oracle_answer *answer)
{
    int rc;

    call_once(&xen.before_answer);
    xen.questions++;
    rc = failing("ask");
    *answer = path ? answer_dt(path) : answer_pci(sbdf);
    if (rc < 0)
        *answer = ORACLE_NONE;
    call_once(&xen.after_answer);
    return rc;
}

int hypervisor_ask_pci(struct hypervisor *hypervisor, uint32_t sbdf, enum oracle_answer *answer)
{
    (void)hypervisor;
    return ask(sbdf, NULL, answer);
}

int hypervisor_ask_dt(struct hypervisor *hypervisor, const char *path, enum oracle_answer *answer)
{
    (void)hypervisor;
    return ask(0, path, answer);
}

int hypervisor_mates(struct hypervisor *hypervisor, uint32_t domid, uint32_t sbdf,
                     uint32_t mates[HYPERVISOR_MATES_MAX], size_t *count)
{
    struct domain_list list = {xen.domains, xen.domain_count};
    size_t self = find(sbdf);
    int rc = failing("mates");

    (void)hypervisor;
    xen.listings++;
    *count = 0;
    if (rc == 0 && !domain_list_find(&list, domid))
        rc = -ESRCH;
    for (size_t i = 0; rc == 0 && self < xen.function_count && i < xen.function_count; i++)
        if (i != self && xen.functions[i].group == xen.functions[self].group &&
            xen.functions[i].owner == domid)
            mates[(*count)++] = xen.functions[i].sbdf;
    return rc;
}
