/* SPDX-License-Identifier: MIT */
/* What is known of one device when its verdict is found. Plain data; zero is "not known", so a
 * fact that nobody gathered can only lead to unknown. */
#ifndef XI_FACTS_H
#define XI_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum device_bus { BUS_PCI, BUS_DT };

/* Does Xen drive an IOMMU at all: xc_physinfo(), XEN_SYSCTL_PHYSCAP_directio. */
enum iommu_use { IOMMU_UNKNOWN, IOMMU_DISABLED, IOMMU_ENABLED };

/* xc_test_assign_device() or xc_test_assign_dt_device() for DOMID_INVALID. */
enum oracle_answer {
    ORACLE_NONE,        /* not asked, or the call failed */
    ORACLE_FREE,        /* 0 */
    ORACLE_TAKEN,       /* EINVAL */
    ORACLE_NO_DEVICE,   /* ESRCH: no such device tree node */
    ORACLE_UNSUPPORTED, /* EOPNOTSUPP: no IOMMU */
};

/* What that answer says of the owner that the records name. */
enum xen_word {
    WORD_NONE, /* there is none that holds: not asked since something changed, or not answered */
    WORD_DENIES,
    WORD_FITS,
};

enum owner_kind { OWNER_UNKNOWN, OWNER_DOM0, OWNER_GUEST, OWNER_NONE };

/* Why an owner is not known. */
enum owner_doubt {
    DOUBT_NONE,
    DOUBT_INCOMPLETE, /* an assignment that has begun, or ended half-way */
    DOUBT_LEAVING,    /* the toolstack or the backend lets go of it */
    DOUBT_OWNER_DOWN, /* its domain is shut down, dying or gone */
    DOUBT_CONFLICT,   /* two domains seem to have it */
    DOUBT_NO_RECORD,  /* a backend names it, and no record; or, on the device tree, nothing does */
    DOUBT_MALFORMED,  /* the record makes no sense */
    DOUBT_UNREADABLE, /* the records could not be read */
    DOUBT_NEW_DEVICE, /* recorded as assignable, but it is another one than was recorded then */
    DOUBT_HIDDEN,     /* with pciback, and no record says that it is assignable */
    DOUBT_OTHER_DEVICE, /* recorded as a guest's, and not with pciback */
    DOUBT_UNBOUND,      /* recorded as assignable, and without any driver */
};

enum guest_kind { GUEST_KIND_UNKNOWN, GUEST_KIND_PV, GUEST_KIND_TRANSLATED };

/* How dom0's own devices are mapped (x86). DOM0_TRANSLATED: a PVH dom0, where strict is hardwired.
 */
enum dom0_mode {
    DOM0_MODE_UNKNOWN,
    DOM0_RELAXED,
    DOM0_STRICT,
    DOM0_PASSTHROUGH,
    DOM0_TRANSLATED,
};

/* The options that were built into Xen (CONFIG_CMDLINE), which it reads first and does not tell
 * with its command line. */
enum builtin_line {
    BUILTIN_UNKNOWN, /* nobody tells, or two tell different things */
    BUILTIN_NONE,    /* it has none */
    BUILTIN_GIVEN,   /* it has some, and they are counted */
};

/* The firmware's tables that tell of IOMMUs, as far as dom0 sees them. For people: what follows
 * from them is in coverage. */
enum firmware_tables { TABLES_UNKNOWN, TABLES_NONE, TABLES_UNUSABLE, TABLES_READ };

/* Do the firmware's tables put an IOMMU in its way. UNKNOWN: there is no usable table, or the
 * tables, Xen's reading of them and the topology leave a doubt. */
enum coverage { COVERAGE_UNKNOWN, COVERAGE_NO, COVERAGE_YES };

/* Does the IOMMU in its way translate: Xen leaves some units off and assigns behind them all the
 * same (iommu_enable_translation() in xen/drivers/passthrough/vtd/iommu.c). */
enum unit_use {
    UNIT_UNKNOWN, /* it may be one of those */
    UNIT_OFF,     /* iommu=no-igfx, and it serves graphics alone */
    UNIT_ON,
};

/* The other devices that share this one's requester or stream ID. */
enum group_mates {
    MATES_UNKNOWN,  /* could not be listed */
    MATES_UNLISTED, /* Xen names one that dom0 does not list */
    MATES_DOUBTFUL, /* the owner of one of them is not known */
    MATES_APART,    /* one of them belongs to another domain */
    MATES_TOGETHER, /* none, or all with this device's owner */
};

/* A static binding that says "behind Xen's IOMMU". Never believed: the hypervisor knows. */
enum dt_claims {
    DT_NO_CLAIM,
    DT_CLAIMS_IOMMU_EL2,  /* its IOMMU is compatible with "xen,iommu-el2-v1" */
    DT_CLAIMS_XEN_IOMMU,  /* xen,iommu = "on" */
    DT_CLAIMS_GRANT_STUB, /* a zero-cell xen,grant-dma, where the configuration says so */
};

struct facts {
    enum device_bus bus;
    enum iommu_use iommu;
    enum oracle_answer oracle;
    enum xen_word word;
    enum owner_kind owner;
    enum owner_doubt doubt;   /* counts while owner is unknown */
    enum guest_kind guest;    /* counts while owner is a guest */
    enum dom0_mode dom0_mode; /* counts while owner is dom0, PCI */
    enum coverage coverage;   /* PCI */
    enum group_mates mates;
    enum builtin_line builtin; /* PCI */
    bool quarantine_off;       /* what a guest gives back goes to dom0, not into quarantine */
    enum unit_use unit;        /* PCI */
    /* For people: the policy does not look at these four. */
    bool quarantine_unsure;      /* quarantine_off, for want of certainty that it is on */
    bool switched_off;           /* Xen's command line says so of its IOMMU */
    enum firmware_tables tables; /* PCI */
    uint32_t class_code;         /* PCI: class << 16 | subclass << 8 | interface; 0: not known */
    unsigned int limits;         /* PCI: of enum xeniommu_limit, those that are known */
    bool unlisted;               /* devices may be missing: the host's could not all be read */
    /* Device tree devices only. */
    bool grant_dma;    /* xen,grant-dma, and not taken for a mere claim */
    bool virtio_iommu; /* behind a virtio-iommu, which a guest itself controls */
    bool pci_host;     /* a PCI host bridge */
    enum dt_claims claim;
    bool force_assign;       /* xen,force-assign-without-iommu */
    bool guest_path_unknown; /* where the guest sees it is not certain */
};

/* The facts in one line of words "name=value", for people and for "xen-iommu explain"; what does
 * not apply to the device is left out. driver: bound in dom0, "" for none. docs/xenstore.md lists
 * them. */
void facts_format(const struct facts *facts, const char *driver, char *text, size_t size);

#endif
