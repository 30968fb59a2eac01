/* SPDX-License-Identifier: MIT */
/*
 * The shortest use of libxeniommu: may this device's driver do without bounce buffers?
 *
 *     cc one_read.c -o one_read $(pkg-config --cflags --libs xeniommu)
 *     ./one_read 20                      # 0000:00:04.0, as this domain sees it
 *     ./one_read /soc/video@fe001000     # a device tree path
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu.h>

int main(int argc, char *argv[])
{
    struct xeniommu_info info;
    struct xeniommu *xi;
    unsigned long sbdf = 0;
    char *end = "";
    int error;

    if (argc == 2 && argv[1][0] != '/')
        sbdf = strtoul(argv[1], &end, 16);
    if (argc != 2 || argv[1][0] == '\0' || *end != '\0' || sbdf > UINT32_MAX) {
        fprintf(stderr, "Usage: %s SBDF-IN-HEX | DEVICE-TREE-PATH\n", argv[0]);
        return 2;
    }
    error = xeniommu_open(&xi, 0);
    if (error != 0) {
        fprintf(stderr, "no XenStore, so bounce: %s\n", strerror(-error));
        return 1;
    }
    if (argv[1][0] == '/')
        error = xeniommu_query_dt(xi, argv[1], &info);
    else
        error = xeniommu_query_pci(xi, (uint32_t)sbdf, &info);

    /* On every error the answer says unknown and keep, so a driver may ignore the error. */
    printf("%s: %s%s%s\n", info.skip_swiotlb ? "plain DMA" : "bounce",
           xeniommu_state_name(info.state), error != 0 ? ", " : "",
           error != 0 ? strerror(-error) : "");
    xeniommu_close(xi);
    return error != 0;
}
