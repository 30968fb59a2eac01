// SPDX-License-Identifier: MIT
/*
 * What is measured, in dom0 or in a guest, between two marks (mark.h) of which count.c makes the
 * instructions: load read|write DEVICE SIZE COUNT [random] [huge] COUNT transfers of SIZE bytes,
 * one after the other, around the page cache; 'random': in no order; 'huge': from one huge page, so
 * that a transfer is one piece of memory load send|receive ADDRESS PORT SIZE COUNT       by TCP:
 * COUNT times SIZE bytes load datagrams ADDRESS PORT SIZE COUNT          by UDP Prints "BYTES
 * SECONDS". Exit: 0, 1 a failure (said on stderr), 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

#define MARK(number) __asm__ volatile("hint %0" : : "i"(number) : "memory")
#define HUGE_PAGE    (2UL << 20)

/* What a measurement is made of. */
struct load {
    int file;
    char *buffer;
    size_t size;
    unsigned long count;
    size_t places; /* of SIZE bytes in the device */
    bool random;
};

typedef bool step_fn(const struct load *load, unsigned long number);

static int failed(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    return 1;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* offset_of: where the transfer of a number goes; a linear congruential sequence is as good as any
 * for that */
static off_t offset_of(const struct load *load, unsigned long number)
{
    size_t place = load->random ? number * 2654435761UL + 12345 : number;

    return (off_t)(place % load->places * load->size);
}

static bool read_step(const struct load *load, unsigned long number)
{
    return pread(load->file, load->buffer, load->size, offset_of(load, number)) ==
           (ssize_t)load->size;
}

static bool write_step(const struct load *load, unsigned long number)
{
    return pwrite(load->file, load->buffer, load->size, offset_of(load, number)) ==
           (ssize_t)load->size;
}

static bool send_step(const struct load *load, unsigned long number)
{
    size_t done = 0;

    (void)number;
    while (done < load->size) {
        ssize_t sent = send(load->file, load->buffer + done, load->size - done, 0);

        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

static bool receive_step(const struct load *load, unsigned long number)
{
    (void)number;
    return recv(load->file, load->buffer, load->size, MSG_WAITALL) == (ssize_t)load->size;
}

/* drain: waits until the other side has all that was sent */
static bool drain(const struct load *load)
{
    const struct timespec pause = {0, 1000000};
    int waiting = 1;

    while (ioctl(load->file, SIOCOUTQ, &waiting) == 0 && waiting > 0)
        nanosleep(&pause, NULL);
    return waiting == 0;
}

static int run(const struct load *load, step_fn *step)
{
    unsigned long number = 0;
    double began;
    bool good = true;

    /* The first one is not measured: it does what is done once. */
    if (!step(load, 0))
        return failed("the first transfer");
    began = now();
    MARK(MARK_BEGIN);
    while (good && ++number <= load->count)
        good = step(load, number);
    if (step == send_step)
        good = good && drain(load);
    MARK(MARK_END);
    if (!good)
        return failed("a transfer");
    printf("%lu %.6f\n", load->size * load->count, now() - began);
    return 0;
}

/* get_buffer: of huge pages, or of small ones as they come */
static char *get_buffer(size_t size, bool huge)
{
    size_t room = (size + 2 * HUGE_PAGE) & ~(HUGE_PAGE - 1);
    char *memory = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    memory += -(size_t)memory & (HUGE_PAGE - 1);
    if (madvise(memory, HUGE_PAGE, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
        return NULL;
    memset(memory, 0x5a, size);
    return memory;
}

static int use_disk(struct load *load, const char *device, step_fn *step)
{
    off_t bytes;
    int status;

    load->file = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (load->file < 0)
        return failed(device);
    bytes = lseek(load->file, 0, SEEK_END);
    if (bytes < (off_t)load->size)
        return failed("the device's size");
    load->places = (size_t)bytes / load->size;
    status = run(load, step);
    close(load->file);
    return status;
}

static int use_network(struct load *load, const char *address, const char *port, int type,
                       step_fn *step)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int status;

    if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
        return failed(address);
    load->file = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (load->file < 0)
        return failed("socket");
    if (connect(load->file, (const struct sockaddr *)&to, sizeof(to)))
        return failed("connect");
    status = run(load, step);
    close(load->file);
    return status;
}

static bool has_word(char **words, const char *word)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static int usage(void)
{
    fputs("usage: load read|write DEVICE SIZE COUNT [random] [huge]\n"
          "       load send|receive|datagrams ADDRESS PORT SIZE COUNT\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    bool disk = argc > 4 && (!strcmp(argv[1], "read") || !strcmp(argv[1], "write"));
    struct load load = {0};

    if (argc < 5 + !disk)
        return usage();
    load.size = strtoul(argv[3 + !disk], NULL, 10);
    load.count = strtoul(argv[4 + !disk], NULL, 10);
    if (load.size == 0 || load.size > HUGE_PAGE || load.count == 0)
        return usage();
    load.random = has_word(argv + 5, "random");
    load.buffer = get_buffer(load.size, has_word(argv + 5, "huge"));
    if (!load.buffer)
        return failed("memory");
    if (disk)
        return use_disk(&load, argv[2], argv[1][0] == 'r' ? read_step : write_step);
    if (!strcmp(argv[1], "datagrams"))
        return use_network(&load, argv[2], argv[3], SOCK_DGRAM, send_step);
    return use_network(&load, argv[2], argv[3], SOCK_STREAM,
                       argv[1][0] == 's' ? send_step : receive_step);
}
