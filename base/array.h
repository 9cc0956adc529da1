/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Arrays on the heap that grow by one element at a time: a pointer, how many elements there are,
 * and for how many there is room, in whatever struct has them.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Room for one more than @n elements of @size bytes. @array points to the pointer, and @least is
 * how many there is room for at first. What is new is not set. 0, or -ENOMEM and nothing changes.
 */
int array_make_room(void *array, uint32_t n, uint32_t *room, uint32_t least, size_t size);

/* A copy of @n elements of @size bytes, for the caller to free; NULL: no memory. @n may be 0. */
void *array_copy(const void *array, size_t n, size_t size);
