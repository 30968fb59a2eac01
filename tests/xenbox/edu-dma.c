/* SPDX-License-Identifier: MIT */
/*
 * Lets QEMU's edu device (DEVICE: 0000:00:05.0) do DMA. LENGTH is at most 1024 bytes.
 *
 * edu-dma DEVICE ADDRESS LENGTH
 *     In dom0: the device reads at the bus address ADDRESS; prints in hex what it got. Its buffer
 * cannot be read by the processor: the device writes it, by DMA too, into a page of this program.
 * First the same way is gone with that page as the source, so that "nothing arrived" cannot come
 * from a device that does no DMA at all, or from a page that is not where this program believes it
 * is. edu-dma --copy DEVICE FROM TO LENGTH The device reads at the bus address FROM and writes to
 * the bus address TO. edu-dma --frame FILE Makes FILE, on tmpfs, a page full of the filling
 * pattern, and prints the kernel's number of its frame. With dom0's help that is the address of a
 * page to copy to, in a guest that could not find it out by itself.
 *
 * A DMA that the IOMMU blocks brings the filling pattern "5a" or zeros.
 * Exit 0: done, whatever arrived; 1: failure; 2: usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>

#define FRAME_SHIFT 12
#define FRAME_SIZE  (1ul << FRAME_SHIFT)
#define MAX_LENGTH  1024ul
#define FILLING     0x5a
#define NO_FRAME    ((xen_pfn_t)-1)

/* Linux, Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME   ((1ull << 55) - 1)

/* the edu device: QEMU, docs/specs/edu.txt */
#define EDU_BAR_SIZE      (1ul << 20)
#define EDU_ID            0x00
#define EDU_ID_MASK       0x00ffffffU
#define EDU_ID_VALUE      0x000000edU
#define EDU_DMA_SOURCE    0x80
#define EDU_DMA_TARGET    0x88
#define EDU_DMA_COUNT     0x90
#define EDU_DMA_COMMAND   0x98
#define EDU_DMA_START     0x1ull
#define EDU_DMA_TO_MEMORY 0x2ull
#define EDU_BUFFER        0x40000ull
#define EDU_WAIT_TURNS    500

#define PCI_COMMAND           0x04
#define PCI_COMMAND_MEMORY    0x2
#define PCI_COMMAND_BUSMASTER 0x4

struct edu {
    volatile uint8_t *bar;
};

static int fail(const char *what)
{
    int error = errno;

    fprintf(stderr, "edu-dma: %s: %s\n", what, strerror(error));
    return error > 0 ? -error : -EIO;
}

static int open_attribute(const char *device, const char *name, int flags)
{
    char path[128];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, name);
    return open(path, flags | O_CLOEXEC);
}

/* Switches memory decoding and bus mastering on: no driver has done so. */
static int enable_device(const char *device)
{
    uint16_t command;
    int result = 0;
    int enable;
    int config;

    enable = open_attribute(device, "enable", O_WRONLY);
    if (enable >= 0) {
        if (write(enable, "1", 1) != 1)
            result = fail("enabling the device");
        close(enable);
    }
    config = open_attribute(device, "config", O_RDWR);
    if (result < 0 || config < 0) {
        result = result < 0 ? result : fail("opening its configuration space");
        goto out;
    }
    if (pread(config, &command, sizeof(command), PCI_COMMAND) != sizeof(command)) {
        result = fail("reading its command register");
        goto out;
    }
    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_BUSMASTER;
    if (pwrite(config, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
        result = fail("writing its command register");
out:
    if (config >= 0)
        close(config);
    return result;
}

static int edu_open(struct edu *edu, const char *device)
{
    uint32_t id;
    void *bar;
    int result;
    int fd;

    result = enable_device(device);
    if (result < 0)
        return result;
    fd = open_attribute(device, "resource0", O_RDWR | O_SYNC);
    if (fd < 0)
        return fail("opening its registers");
    bar = mmap(NULL, EDU_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (bar == MAP_FAILED)
        return fail("mapping its registers");
    edu->bar = bar;
    id = *(volatile uint32_t *)(edu->bar + EDU_ID);
    if ((id & EDU_ID_MASK) != EDU_ID_VALUE) {
        fprintf(stderr, "edu-dma: %s is no edu device (identification 0x%" PRIx32 ")\n", device,
                id);
        return -ENODEV;
    }
    return 0;
}

static volatile uint64_t *edu_register(const struct edu *edu, size_t offset)
{
    return (volatile uint64_t *)(edu->bar + offset);
}

/* One DMA between the device's buffer and a bus address, and the wait for its end. */
static int edu_dma(const struct edu *edu, uint64_t address, size_t length, bool to_memory)
{
    const struct timespec turn = {.tv_nsec = 10 * 1000 * 1000};
    volatile uint64_t *command = edu_register(edu, EDU_DMA_COMMAND);

    *edu_register(edu, EDU_DMA_SOURCE) = to_memory ? EDU_BUFFER : address;
    *edu_register(edu, EDU_DMA_TARGET) = to_memory ? address : EDU_BUFFER;
    *edu_register(edu, EDU_DMA_COUNT) = length;
    *command = EDU_DMA_START | (to_memory ? EDU_DMA_TO_MEMORY : 0);
    for (int i = 0; i < EDU_WAIT_TURNS; i++) {
        if (!(*command & EDU_DMA_START))
            return 0;
        nanosleep(&turn, NULL);
    }
    fprintf(stderr, "edu-dma: the device does not finish its DMA\n");
    return -ETIMEDOUT;
}

/* A page of this program that the device can find, when it is let. */
struct page {
    unsigned char *data;
    uint64_t address;  /* on the bus */
    xc_interface *xch; /* from here on: PV domains only */
    xenforeignmemory_handle *memory;
    xen_pfn_t frame;
};

static bool is_pv_domain(void)
{
    char type[8] = "";
    FILE *file = fopen("/sys/hypervisor/guest_type", "re");

    if (!file)
        return false;
    if (!fgets(type, sizeof(type), file))
        type[0] = '\0';
    fclose(file);
    return strcmp(type, "PV\n") == 0;
}

/*
 * A PV domain's kernel does not tell which machine frame is behind a page. So we ask Xen for one
 * frame more, which comes with its number, and map that.
 */
static int pv_page_open(struct page *page)
{
    int error = 0;

    page->xch = xc_interface_open(NULL, NULL, 0);
    page->memory = xenforeignmemory_open(NULL, 0);
    if (!page->xch || !page->memory)
        return fail("opening Xen's libraries");
    if (xc_domain_increase_reservation_exact(page->xch, DOMID_SELF, 1, 0, 0, &page->frame) < 0) {
        page->frame = NO_FRAME;
        return fail("asking Xen for a page");
    }
    page->data = xenforeignmemory_map(page->memory, DOMID_SELF, PROT_READ | PROT_WRITE, 1,
                                      &page->frame, &error);
    if (!page->data)
        return fail("mapping a page of our own");
    page->address = page->frame << FRAME_SHIFT;
    return 0;
}

/* The kernel's number of the frame behind one of our pages. */
static int frame_of(const void *data, uint64_t *frame)
{
    uint64_t entry = 0;
    ssize_t got;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fail("opening the page map");
    got = pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)data / FRAME_SIZE * sizeof(entry)));
    close(fd);
    if (got != sizeof(entry) || !(entry & PAGEMAP_PRESENT))
        return fail("reading the page map");
    *frame = entry & PAGEMAP_FRAME;
    return 0;
}

/* In a translated domain the bus address is the kernel's. */
static int translated_page_open(struct page *page)
{
    void *data = mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    uint64_t frame = 0;
    int result;

    if (data == MAP_FAILED)
        return fail("allocating a page");
    page->data = data;
    result = frame_of(data, &frame);
    page->address = frame << FRAME_SHIFT;
    return result;
}

static int page_open(struct page *page)
{
    return is_pv_domain() ? pv_page_open(page) : translated_page_open(page);
}

/* Gives the extra frame back; the rest ends with the process. */
static void page_close(struct page *page)
{
    if (page->frame != NO_FRAME && page->data)
        xenforeignmemory_unmap(page->memory, page->data, 1);
    if (page->frame != NO_FRAME)
        xc_domain_decrease_reservation_exact(page->xch, DOMID_SELF, 1, 0, &page->frame);
    if (page->memory)
        xenforeignmemory_close(page->memory);
    if (page->xch)
        xc_interface_close(page->xch);
}

/* Fills the device's buffer from our page and gets it back. */
static int check_device(const struct edu *edu, const struct page *page)
{
    int result;

    memset(page->data, FILLING, MAX_LENGTH);
    result = edu_dma(edu, page->address, MAX_LENGTH, false);
    memset(page->data, 0, MAX_LENGTH);
    if (result == 0)
        result = edu_dma(edu, page->address, MAX_LENGTH, true);
    for (size_t i = 0; result == 0 && i < MAX_LENGTH; i++) {
        if (page->data[i] != FILLING) {
            fprintf(stderr, "edu-dma: the device does not reach this program's own memory\n");
            result = -EIO;
        }
    }
    return result;
}

static int probe(const char *device, uint64_t target, size_t length)
{
    struct edu edu = {.bar = NULL};
    struct page page = {.frame = NO_FRAME};
    int result = page_open(&page);

    if (result == 0)
        result = edu_open(&edu, device);
    if (result == 0)
        result = check_device(&edu, &page);
    if (result == 0)
        result = edu_dma(&edu, target, length, false);
    if (result == 0)
        result = edu_dma(&edu, page.address, length, true);
    for (size_t i = 0; result == 0 && i < length; i++)
        printf("%02x", page.data[i]);
    if (result == 0)
        printf("\n");
    page_close(&page);
    return result;
}

static int copy(const char *device, uint64_t from, uint64_t to, size_t length)
{
    struct edu edu = {.bar = NULL};
    int result = edu_open(&edu, device);

    if (result == 0)
        result = edu_dma(&edu, from, length, false);
    if (result == 0)
        result = edu_dma(&edu, to, length, true);
    return result;
}

static int print_frame(const char *path)
{
    void *data = MAP_FAILED;
    uint64_t frame = 0;
    int result;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail("opening the file");
    if (ftruncate(fd, FRAME_SIZE) == 0)
        data = mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return fail("mapping the file");
    memset(data, FILLING, FRAME_SIZE);
    result = frame_of(data, &frame);
    if (result == 0)
        printf("0x%" PRIx64 "\n", frame);
    return result;
}

static int usage(void)
{
    fprintf(stderr, "usage: edu-dma DEVICE ADDRESS LENGTH\n"
                    "       edu-dma --copy DEVICE FROM TO LENGTH\n"
                    "       edu-dma --frame FILE\n");
    return 2;
}

static bool parse_number(const char *text, uint64_t limit, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && *number <= limit;
}

int main(int argc, char **argv)
{
    uint64_t from;
    uint64_t to;
    uint64_t length;

    if (argc == 3 && strcmp(argv[1], "--frame") == 0)
        return print_frame(argv[2]) < 0 ? 1 : 0;
    if (argc == 6 && strcmp(argv[1], "--copy") == 0) {
        if (!parse_number(argv[3], UINT64_MAX, &from) || !parse_number(argv[4], UINT64_MAX, &to) ||
            !parse_number(argv[5], MAX_LENGTH, &length))
            return usage();
        return copy(argv[2], from, to, length) < 0 ? 1 : 0;
    }
    if (argc != 4 || !parse_number(argv[2], UINT64_MAX, &from) ||
        !parse_number(argv[3], MAX_LENGTH, &length))
        return usage();
    return probe(argv[1], from, length) < 0 ? 1 : 0;
}
