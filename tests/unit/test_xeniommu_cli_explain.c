/* SPDX-License-Identifier: MIT */
/* xen-iommu explain: what it makes of a verdict and its facts. */
#include "cli_run.h"
#include "fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu.h>

#define HOST XENIOMMU_HOST_DIR
#define OWN  XENIOMMU_DIR
#define NIC  HOST "/pci/0000-00-04-0"
#define UART HOST "/dt/soc/uart@1_2c0"

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    return 0;
}

static void publish_nic(void)
{
    fake_store_publish(HOST);
    fake_store_device(HOST, "pci/0000-00-04-0", "protected", "skip", "assigned-translated");
    fake_store_set(NIC "/owner", "1");
    fake_store_set(NIC "/iommu", "dmar0@fed90000");
    fake_store_set(NIC "/facts",
                   "iommu=enabled oracle=taken owner=guest guest=translated driver=pciback");
}

static void publish_uart(const char *state, const char *swiotlb, const char *reason,
                         const char *facts)
{
    fake_store_publish(HOST);
    fake_store_device(HOST, "dt/soc/uart@1_2c0", state, swiotlb, reason);
    fake_store_set(UART "/owner", "0");
    fake_store_set(UART "/facts", facts);
}

static void assert_prints(const char *line, const char *part)
{
    assert_int_equal(run(line), 0);
    assert_string_equal(errors, "");
    if (strstr(output, part) == NULL)
        fail_msg("%s: \"%s\" is not in: %s", line, part, output);
}

static void the_host_sees_everything(void **state)
{
    (void)state;
    publish_nic();
    assert_run("explain 00:04.0", 0,
               "Domain 1's 0000:00:04.0 (Example NIC) is protected: an IOMMU that Xen controls\n"
               "confines all its DMA to memory that its owner may use. A guest has it, Xen\n"
               "confirms that, and the guest's memory is translated by hardware: the IOMMU\n"
               "translates the guest's own addresses, and reaches the guest's memory only.\n"
               "swiotlb-xen is not needed: the IOMMU translates its owner's own addresses.\n"
               "\nWhat would change it:\n"
               "  Detaching it from the guest, as the guest's end does too.\n"
               "\nDevice:   0000:00:04.0\nName:     Example NIC\nState:    protected\n"
               "Swiotlb:  skip\n"
               "Reason:   assigned-translated\nGroup:    -\nOwner:    1\nIOMMU:    dmar0@fed90000\n"
               "\nWhat it was found from:\n"
               "  - Xen drives an IOMMU.\n"
               "    iommu=enabled, from the hypervisor: physinfo, XEN_SYSCTL_PHYSCAP_directio\n"
               "  - Xen says that a guest has it.\n"
               "    oracle=taken, from the hypervisor: XEN_DOMCTL_test_assign_device\n"
               "  - A guest has it.\n"
               "    owner=guest, from libxl's records and the PCI backends in XenStore, dom0's\n"
               "    driver for it, and Xen's list of domains\n"
               "  - That guest's addresses are translated by hardware, as HVM and PVH guests'\n"
               "    are.\n"
               "    guest=translated, from the hypervisor: XEN_DOMINF_hvm_guest of the owner\n"
               "  - This driver is bound to it in dom0.\n"
               "    driver=pciback, from dom0's sysfs\n"
               "\nThe rule that decided: assigned-translated\n",
               "");
}

static void json_says_the_same(void **state)
{
    (void)state;
    publish_uart("unknown", "keep", "pci-host-bridge", "pci-host=yes");
    assert_run_json(
        "explain /soc/uart@1,0 --json", 0,
        "{\"view\":\"host\",\"bus\":\"dt\",\"device\":\"/soc/uart@1,0\",\"state\":\"unknown\","
        "\"swiotlb\":\"keep\",\"reason\":\"pci-host-bridge\",\"group\":null,\"limits\":[],"
        "\"owner\":0,\"owner_name\":null,"
        "\"iommu\":null,\"guest_device\":null,\"class\":null,\"name\":null,"
        "\"answer\":\"dom0's /soc/uart@1,0 cannot be called protected (unknown): nothing is "
        "certain "
        "about its DMA, so take it for unprotected. It is a PCI host bridge: the functions behind "
        "it "
        "do the DMA, and Xen on Arm does not tell of those. swiotlb-xen stays in use, which is "
        "safe "
        "in any case.\","
        "\"meaning\":\"Nothing is certain about its DMA, so take it for unprotected.\","
        "\"leaves_out\":[],\"facts\":[{\"name\":\"pci-host\",\"value\":\"yes\",\"source\":\"the "
        "device tree\","
        "\"text\":\"It is a PCI host bridge.\"}],\"claim\":null,"
        "\"why\":\"It is a PCI host bridge: the functions behind it do the DMA, and Xen on Arm "
        "does not tell of those.\",\"change\":\"Nothing at present.\",\"note\":null}");
}

static void what_it_leaves_out_comes_before_the_facts(void **state)
{
    (void)state;
    publish_nic();
    fake_store_set(NIC "/limits", "no-acs");
    assert_prints("explain 00:04.0",
                  "\nIOMMU:    dmar0@fed90000\nLimits:   no-acs\n\nWhat it was found from:\n");
    assert_prints(
        "explain 00:04.0",
        "  Detaching it from the guest, as the guest's end does too.\n"
        "\nWhat it leaves out:\n"
        "  - no-acs\n"
        "    It and its neighbours (below the same PCIe switch, in the same card) can\n"
        "    reach each other without passing the IOMMU: something on the way cannot\n"
        "    forbid that (PCIe ACS).\n"
        "    To end this: A slot at a root port of its own, or hardware with ACS all the\n"
        "    way. One owner for all that can reach each other makes it harmless.\n"
        "\nDevice:   0000:00:04.0\n");
    fake_store_set(NIC "/limits", "newer ats");
    assert_prints("explain 00:04.0 --json", "\"limits\":[\n    \"newer\",\n    \"ats\"\n  ]");
    assert_non_null(strstr(output, "\"leaves_out\":[\n    {\n      \"limit\":\"newer\",\n"
                                   "      \"text\":null,\n      \"change\":null\n    },\n    {\n"
                                   "      \"limit\":\"ats\",\n      \"text\":\"Xen lets it"));
    assert_non_null(strstr(output, "\"change\":\"Xen's command line without ats, and a reboot.\""));
    fake_store_remove(HOST);
    fake_store_publish(OWN);
    fake_store_device(OWN, "pci/0000-00-04-0", "protected", "skip", "assigned-translated");
    fake_store_set(OWN "/pci/0000-00-04-0/limits", "ats");
    assert_prints("explain 00:04.0 --json", "\"text\":\"Xen lets it");
    assert_non_null(strstr(output, "\"change\":null\n    }"));
}

/* Words of facts that tell why a claim is not made, or not all of it is certain. */
static void every_known_word_has_a_sentence(void **state)
{
    (void)state;
    publish_nic();
    fake_store_set(NIC "/facts", "unit=on unit=off unit=unknown unlisted=yes builtin-line=none "
                                 "builtin-line=given builtin-line=unknown doubt=new-device "
                                 "guest-address=0000-00-04-0");
    assert_prints("explain 00:04.0", "\n    doubt=new-device, from ");
    assert_null(strstr(output, "not known to this xen-iommu"));
    publish_uart("unknown", "keep", "group-unknown",
                 "mates=together mates=apart mates=doubtful mates=unknown mates=unlisted "
                 "builtin-line=unknown guest-path=/passthrough/uart guest-path=unknown");
    assert_prints("explain /soc/uart@1,0", "\n    guest-path=unknown, from ");
    assert_null(strstr(output, "not known to this xen-iommu"));
    assert_non_null(strstr(output, "decided: group-unknown\n"));
}

static void a_claim_is_named_and_judged(void **state)
{
    static const struct {
        const char *state, *swiotlb, *reason, *facts, *expected;
    } cases[] = {
        {"unprotected", "keep", "claim-contradicted", "oracle=free owner=dom0 claim=iommu-el2-v1",
         "\nThe device tree's claim, iommu-el2-v1: contradicted\n"
         "  This claim is contradicted: nothing that Xen controls confines the device. It\n"
         "  was not believed.\n"},
        {"unprotected", "keep", "iommu-disabled", "claim=xen-iommu",
         "\nThe device tree's claim, xen-iommu: contradicted\n"},
        {"protected", "skip", "behind-iommu", "claim=grant-dma-stub oracle=taken",
         "\nThe device tree's claim, grant-dma-stub: confirmed\n"},
        {"unknown", "keep", "hypervisor-error", "claim=iommu-el2-v1 oracle=none",
         "\nThe device tree's claim, iommu-el2-v1: open\n"},
        {"quarantined", "keep", "assignable", "claim=a-newer-one",
         "\nThe device tree's claim, a-newer-one: open\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        publish_uart(cases[i].state, cases[i].swiotlb, cases[i].reason, cases[i].facts);
        assert_prints("explain /soc/uart@1,0", cases[i].expected);
    }
    publish_uart("unprotected", "keep", "claim-contradicted", "claim=xen-iommu");
    assert_prints("explain /soc/uart@1,0 --json", "\"outcome\":\"contradicted\"");
    publish_uart("unprotected", "keep", "not-behind-iommu", "claim=none");
    assert_prints("explain /soc/uart@1,0 --json", "\"claim\":null");
    assert_prints("explain /soc/uart@1,0", "- The device tree claims nothing of Xen's IOMMU");
    assert_null(strstr(output, "The device tree's claim"));
}

/* A newer daemon may say more than this program knows. */
static void unknown_words_are_shown_as_they_are(void **state)
{
    (void)state;
    publish_uart("unprotected", "keep", "a-newer-reason",
                 "oracle=maybe moon=full flag \x1b[2J=\xff claim=none");
    assert_prints("explain /soc/uart@1,0", "  - (not known to this xen-iommu)\n"
                                           "    oracle=maybe, from the hypervisor: "
                                           "XEN_DOMCTL_test_assign_device\n"
                                           "  - (not known to this xen-iommu)\n"
                                           "    moon=full\n"
                                           "  - (not known to this xen-iommu)\n"
                                           "    flag\n"
                                           "  - (not known to this xen-iommu)\n"
                                           "    ?[2J=?\n");
    assert_prints("explain /soc/uart@1,0", "\nThe rule that decided: a-newer-reason\n");
    assert_non_null(strstr(output, "is one that this xen-iommu does not know: the xen-iommud that "
                                   "published it is\nnewer."));
    assert_null(strstr(output, "What would change"));
    publish_uart("unknown", "keep", "", "");
    assert_prints("explain /soc/uart@1,0", "\nThe rule that decided: -\n");
}

static void other_views_have_no_facts(void **state)
{
    static const char change[] = "\nWhat would change it:\n  Detaching it from the guest";

    (void)state;
    fake_store_publish(OWN);
    fake_store_device(OWN, "pci/0000-00-04-0", "protected", "skip", "assigned-translated");
    fake_store_set(OWN "/pci/0000-00-04-0/facts", "iommu=enabled");
    assert_prints("explain 00:04.0",
                  "This domain's 0000:00:04.0 (Example NIC) is protected: an IOMMU that Xen\n");
    assert_non_null(strstr(output, "\nThe rule that decided: assigned-translated\n"));
    assert_non_null(strstr(output, "\nNote:\n  The facts are not for this domain to see"));
    assert_null(strstr(output, "What it was found from"));
    assert_null(strstr(output, change));
    assert_prints("explain 00:04.0 --json", "\"facts\":null");

    publish_nic();
    fake_store_remove(NIC "/facts");
    assert_prints("explain 00:04.0", change);
    assert_non_null(strstr(output, "\nNote:\n  This xen-iommud publishes no facts.\n"));

    fake_store_publish("/local/domain/1/iommu");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-00-0", "protected", "skip",
                      "assigned-translated");
    assert_prints("explain 00:00.0 --domain 1", change);
    assert_non_null(strstr(output, "\nNote:\n  The facts are in the host's view"));
}

static void what_is_not_published_is_a_failure(void **state)
{
    (void)state;
    publish_nic();
    run_root = "/nowhere";
    assert_run("explain 00:05.0", 1, "",
               "xen-iommu: 00:05.0: nothing is published of such a device here: this machine has "
               "no such device\n");
    run_root = "";
    fake_store_set(HOST "/status", "stopped");
    assert_run("explain 00:04.0", 4, "",
               "xen-iommu: xen-iommud is not ready: its status is \"stopped\"\n");
}

static void take_away(void)
{
    fake_store_device(HOST, "pci/0000-00-04-0", "unknown", "keep", "assignment-ending");
    fake_store_set(NIC "/facts", "owner=unknown doubt=leaving");
    fake_store_bump(HOST);
}

/* Whenever the verdict changes: what is printed belongs together. */
static void verdict_and_facts_are_of_one_moment(void **state)
{
    unsigned int requests, n;

    (void)state;
    publish_nic();
    assert_int_equal(run("explain 00:04.0"), 0);
    requests = fake_store_requests();
    assert_true(requests > 8);
    for (n = 1; n <= requests; n++) {
        bool before, after;

        fake_store_reset();
        publish_nic();
        fake_store_plan(n, take_away);
        assert_int_equal(run("explain 00:04.0"), 0);
        before = strstr(output, "State:    protected") != NULL;
        after = strstr(output, "State:    unknown") != NULL;
        assert_true(before != after);
        assert_int_equal(before, strstr(output, "owner=guest") != NULL);
        assert_int_equal(after, strstr(output, "doubt=leaving") != NULL);
        assert_int_equal(after, strstr(output, "decided: assignment-ending") != NULL);
    }
    fake_store_reset();
    publish_nic();
    fake_store_plan_always(take_away);
    assert_run("explain 00:04.0", 4, "",
               "xen-iommu: what is published changes faster than it can be read\n");
}

/* A failure of any request is told, and nothing half-read is printed. */
static void every_failure_is_told(void **state)
{
    unsigned int requests, n;

    (void)state;
    publish_nic();
    assert_int_equal(run("explain 00:04.0"), 0);
    requests = fake_store_requests();
    for (n = 1; n <= requests; n++) {
        fake_store_reset();
        publish_nic();
        fake_store_fail(n, -ENOTCONN);
        assert_run("explain 00:04.0", 1, "",
                   "xen-iommu: XenStore cannot be reached: is this a Xen domain, and does "
                   "xenstored run?\n");
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_host_sees_everything),
        TEST(json_says_the_same),
        TEST(what_it_leaves_out_comes_before_the_facts),
        TEST(every_known_word_has_a_sentence),
        TEST(a_claim_is_named_and_judged),
        TEST(unknown_words_are_shown_as_they_are),
        TEST(other_views_have_no_facts),
        TEST(what_is_not_published_is_a_failure),
        TEST(verdict_and_facts_are_of_one_moment),
        TEST(every_failure_is_told),
    };

    setenv("LC_ALL", "C", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
