/* SPDX-License-Identifier: MIT */
/* Stands in for the platform, and takes the driver through a life, on any host. */
#include "nic.h"
#include "platform.h"

#include <stdio.h>
#include <string.h>

#define NIC 0x20 /* 0000:00:04.0 */

static struct {
    const char *path;
    const char *value; /* NULL: absent */
} nodes[] = {
    {"iommu/generation", NULL},
    {"iommu/version", NULL},
    {"iommu/status", NULL},
    {"iommu/pci/0000-00-04-0/state", NULL},
    {"iommu/pci/0000-00-04-0/swiotlb", NULL},
};

#define NODE_COUNT (sizeof(nodes) / sizeof(nodes[0]))

char *xenbus_read(xenbus_transaction_t xbt, const char *path, char **value)
{
    size_t i;

    (void)xbt;
    for (i = 0; i < NODE_COUNT; i++)
        if (strcmp(nodes[i].path, path) == 0 && nodes[i].value != NULL) {
            *value = strdup(nodes[i].value);
            return *value != NULL ? NULL : strdup("ENOMEM");
        }
    return strdup("ENOENT");
}

/* One transaction of the daemon. */
static void publish(const char *generation, const char *status, const char *state,
                    const char *swiotlb)
{
    nodes[0].value = generation;
    nodes[1].value = "1";
    nodes[2].value = status;
    nodes[3].value = state;
    nodes[4].value = swiotlb;
}

static int check(const char *what, const struct nic *nic, bool bounce)
{
    printf("%s: %s\n", what, nic->bounce ? "bounce" : "plain DMA");
    return nic->bounce == bounce ? 0 : 1;
}

int main(void)
{
    struct nic nic;
    int wrong = 0;

    nic_start(&nic, NIC);
    wrong |= check("no daemon", &nic, true);
    publish("1", "ready", "protected", "skip");
    nic_tree_changed(&nic);
    wrong |= check("protected", &nic, false);
    publish("2", "ready", "unknown", "keep");
    nic_tree_changed(&nic);
    wrong |= check("it leaves", &nic, true);
    publish("3", "ready", "protected", "keep");
    nic_start(&nic, NIC);
    wrong |= check("protected, but no addresses of this domain", &nic, true);
    publish("4", "ready", "protected", "skip");
    nic_start(&nic, NIC);
    wrong |= check("started again", &nic, false);
    publish("5", "stopped", "protected", "skip");
    nic_tree_changed(&nic);
    wrong |= check("the daemon stopped", &nic, true);
    publish("6", "ready", NULL, NULL);
    nic_tree_changed(&nic);
    wrong |= check("not this domain's any more", &nic, true);
    return wrong;
}
