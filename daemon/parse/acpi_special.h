/* SPDX-License-Identifier: MIT */
/* The VT-d units that Xen 4.17 and 4.20 leave untranslated, though they assign behind them all the
 * same: iommu_enable_translation() in xen/drivers/passthrough/vtd/iommu.c. And those that Xen
 * before 4.13 ignores under iommu=workaround_bios_bug, none of whose devices it finds at boot:
 * acpi_parse_one_drhd() in vtd/dmar.c. */
#ifndef XI_PARSE_ACPI_SPECIAL_H
#define XI_PARSE_ACPI_SPECIAL_H

#include "acpi_dmar.h"

/* Does Xen take the unit for one that serves graphics alone? */
enum acpi_word acpi_special_graphics(const struct dmar_unit *unit,
                                     const struct pci_topology *topology);

/* Is it a unit for Intel's sound device alone? NO or UNKNOWN. */
enum acpi_word acpi_special_sound(const struct dmar_unit *unit,
                                  const struct pci_topology *topology);

/* Fills kept, graphics_only and sound_only where the unit is not known: by what the function is.
 * NULL: nothing is known of it. A virtual function's physical one is to be given in its place. */
void acpi_special_by_class(const struct pci_function *function, struct acpi_answer *answer);

/* Is the host of those whose graphics' unit may be left off? NO or UNKNOWN. */
enum acpi_word acpi_special_ironlake(const struct pci_topology *topology);

/* Did Xen certainly find one of the unit's devices at boot? */
bool acpi_special_is_kept(const struct dmar_unit *unit, const struct pci_topology *topology);

#endif
