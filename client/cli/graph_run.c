/* SPDX-License-Identifier: MIT */
#include "graph_run.h"
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The source as dot's standard input: a file without a name, so that nobody waits for the other. A
 * descriptor or a negative errno. */
static int make_input(const char *data, size_t size)
{
    int file = memfd_create("xen-iommu graph", MFD_CLOEXEC);
    ssize_t len;

    if (file < 0)
        return -errno;
    while (size > 0) {
        len = write(file, data, size);
        if (len < 0) {
            len = -errno;
            close(file);
            return (int)len;
        }
        data += len;
        size -= (size_t)len;
    }
    if (lseek(file, 0, SEEK_SET) == 0)
        return file;
    close(file);
    return -EIO;
}

/* 0 or a negative errno. */
static int spawn_dot(const char *format, int input, int output, pid_t *pid)
{
    char option[16], *argv[] = {(char *)"dot", option, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return -error;
    snprintf(option, sizeof(option), "-T%s", format);
    error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (error == 0 && output != STDOUT_FILENO)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnp(pid, "dot", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Waits for dot. Returns the exit code. */
static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            complain("dot: %s", strerror(errno));
            return EXIT_FAILED;
        }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return EXIT_FINE;
    complain("graphviz's dot failed: what it wrote, if anything, is no whole picture");
    return EXIT_FAILED;
}

static int run_into(const char *format, int output, const char *data, size_t size)
{
    int input = make_input(data, size), rc;
    pid_t pid;

    if (input < 0) {
        complain("%s", strerror(-input));
        return EXIT_FAILED;
    }
    rc = spawn_dot(format, input, output, &pid);
    close(input);
    if (rc == 0)
        return wait_for(pid);
    if (rc == -ENOENT)
        complain("-T %s needs graphviz, whose dot is not installed; without -T the picture's "
                 "source is printed",
                 format);
    else
        complain("dot: %s", strerror(-rc));
    return EXIT_FAILED;
}

int graph_run(const char *format, const char *output, const char *data, size_t size)
{
    int code, file;

    if (output == NULL)
        return run_into(format, STDOUT_FILENO, data, size);
    file = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        complain("%s: %s", output, strerror(errno));
        return EXIT_FAILED;
    }
    code = run_into(format, file, data, size);
    if (close(file) == 0 || code != EXIT_FINE)
        return code;
    complain("%s: %s", output, strerror(errno));
    return EXIT_FAILED;
}
