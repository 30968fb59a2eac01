/* SPDX-License-Identifier: MIT */
/* The headers of everything that faults.c stands in front of. */
#ifndef FAULTS_REAL_H
#define FAULTS_REAL_H

#include <event2/event.h>
#include <json-c/json_tokener.h>
#include <libfdt.h>
#include <libudev.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <xenctrl.h>
#include <xenhypfs.h>
#include <xenstore.h>
#include <xentoollog.h>

#endif
