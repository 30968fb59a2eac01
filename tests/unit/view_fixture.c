/* SPDX-License-Identifier: MIT */
#include "view_fixture.h"

#include <string.h>

static struct pci_function functions[] = {
    {.sbdf = BRIDGE, .class_code = 0x060400, .is_bridge = true},
    {.sbdf = LEFT, .class_code = 0x020000},
    {.sbdf = RIGHT, .class_code = 0x020000},
    {.sbdf = ALONE, .class_code = 0x020000},
};
const struct pci_topology topology = {.functions = functions, .count = 4};
static const struct dt_device dma = {.path = "/dma", .iommu = "/smmu"};
const struct dt_device eth = {.path = "/eth"};
static struct dt_entry entries[] = {{.path = "/dma", .node = &dma}, {.path = "/eth", .node = &eth}};
static const struct dt_entries nodes = {.entries = entries, .count = 2};

struct domain doms[3];
static const struct domain_list domains = {doms, 3};
static struct pci_claim claims[4];
struct pci_record pci_records[4];
struct dt_record dt_records[3];
struct assignment assignment;
struct dt_records records;
struct inventory inventory;
struct view_source source;
struct tree tree;
static struct tree stands[3]; /* by domid */
struct pci_addresses gone;

static const char *told(const void *arg, uint32_t domid, const char *path)
{
    assert_ptr_equal(arg, stands);
    return tree_get(&stands[domid], path);
}

int view_set_up(void **state)
{
    (void)state;
    memset(doms, 0, sizeof(doms));
    for (uint32_t i = 0; i < 3; i++) {
        doms[i] = (struct domain){.domid = i, .alive = true, .kind = GUEST_KIND_PV};
        doms[i].handle[0] = (uint8_t)(0x10 + i);
    }
    assignment = (struct assignment){.claims = claims, .records = pci_records};
    records = (struct dt_records){.records = dt_records};
    gone = (struct pci_addresses){NULL, 0, false};
    source = (struct view_source){.gone = &gone,
                                  .inventory = &inventory,
                                  .assignment = &assignment,
                                  .dt_records = &records,
                                  .domains = &domains,
                                  .iommu = IOMMU_ENABLED,
                                  .status = "ready",
                                  .confirm_ms = 1500,
                                  .told = told,
                                  .told_arg = stands};
    if (inventory_update(&inventory, 1, &topology, &nodes))
        return -1;
    for (size_t i = 0; i < inventory.count; i++) {
        inventory.devices[i].owner.kind = OWNER_DOM0;
        inventory.devices[i].verdict = (struct verdict){XENIOMMU_RELAXED, false, "dom0-relaxed"};
    }
    return 0;
}

int view_tear_down(void **state)
{
    (void)state;
    tree_clear(&tree);
    for (size_t i = 0; i < 3; i++)
        tree_clear(&stands[i]);
    inventory_clear(&inventory);
    return 0;
}

struct device *pci(uint32_t sbdf)
{
    return inventory_find(&inventory, sbdf);
}

struct device *dt(const char *path)
{
    return inventory_find_dt(&inventory, path);
}

void own(struct device *device, uint32_t domid, struct verdict verdict)
{
    device->owner = (struct ownership){.kind = OWNER_GUEST, .domid = domid};
    device->verdict = verdict;
}

struct pci_claim *attach(uint32_t sbdf, uint32_t domid, uint32_t address)
{
    size_t at = assignment.claim_count++;

    claims[at] = (struct pci_claim){.sbdf = sbdf,
                                    .domid = domid,
                                    .serves = domid,
                                    .has_vdev = true,
                                    .vdev = address,
                                    .has_vdevfn = true,
                                    .vdevfn = (uint8_t)address};
    if (!assignment.record_count || pci_records[assignment.record_count - 1].sbdf != sbdf)
        pci_records[assignment.record_count++] =
            (struct pci_record){.sbdf = sbdf, .present = true, .has_domid = true, .domid = domid};
    return &claims[at];
}

struct dt_record *record(const char *path, uint32_t domid, const char *guest_path)
{
    struct dt_record *entry = &dt_records[records.count++];

    *entry = (struct dt_record){.path = (char *)(uintptr_t)path,
                                .where = guest_path ? GUEST_PATH_KNOWN : GUEST_PATH_HOST,
                                .guest_path = (char *)(uintptr_t)guest_path,
                                .domid = domid};
    memcpy(entry->handle, doms[domid].handle, sizeof(entry->handle));
    return entry;
}

void see(uint32_t domid)
{
    tree_clear(&tree);
    assert_int_equal(view_of_domain(&source, domid, &tree), 0);
    assert_string_equal(tree_get(&tree, "status"), "ready");
    assert_string_equal(tree_get(&tree, "version"), "1");
}

void see_host(void)
{
    tree_clear(&tree);
    assert_int_equal(view_of_host(&source, &tree), 0);
}

void publish(uint32_t domid)
{
    see(domid);
    tree_clear(&stands[domid]);
    stands[domid] = tree;
    tree = (struct tree){NULL, 0, 0};
    see_host();
}

void holds(const char *path, const char *value)
{
    const char *found = tree_get(&tree, path);

    assert_string_equal(found ? found : "(none)", value ? value : "(none)");
}
