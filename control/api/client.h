// SPDX-License-Identifier: BSD-3-Clause
// One connection of the API: reads a request, waits for its reply, sends it, and again. For
// control/api.

#pragma once

#include "control/api/request.h"

struct client;

// Takes the socket over. closed is called once, when the client's memory is about to go. NULL with
// errno: the socket stays the caller's.
struct client *client_new(const struct api_settings *settings, int socket,
	void (*closed)(void *arg, struct client *c), void *arg);
// Closes; a request under way goes on without it.
void client_close(struct client *c);

// For the list of them that api.c keeps.
struct client *client_next(const struct client *c);
void client_set_next(struct client *c, struct client *next);
