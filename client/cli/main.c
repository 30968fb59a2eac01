/* SPDX-License-Identifier: MIT */
#include "command.h"

int main(int argc, char *argv[])
{
    return run_xen_iommu(argc, argv);
}
