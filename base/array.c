/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Room is doubled, so that n elements cost about n copies, whoever adds them. The pointer is
 * copied as bytes, because its type is not known here.
 */

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

int array_make_room(void *array, uint32_t n, uint32_t *room, uint32_t least, size_t size)
{
	uint32_t more = MAX(2 * *room, least);
	void *elements;

	if (n < *room)
		return 0;
	if (more <= n)
		return -ENOMEM; /* they can be counted no longer */
	memcpy(&elements, array, sizeof(elements));
	elements = reallocarray(elements, more, size);
	if (!elements)
		return -ENOMEM;
	memcpy(array, &elements, sizeof(elements));
	*room = more;

	return 0;
}

void *array_copy(const void *array, size_t n, size_t size)
{
	void *copy = reallocarray(NULL, n + 1, size);

	if (copy && n > 0)
		memcpy(copy, array, n * size);

	return copy;
}
