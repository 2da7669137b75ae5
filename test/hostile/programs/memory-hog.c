/* Takes memory and uses it until there is none, and says so should it be refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  for (;;) {
    char *piece = malloc(1 << 20);
    if (piece == NULL) return puts("refused"), 1;
    memset(piece, 1, 1 << 20);
  }
}
