/* Predicts digits with a checkpoint, in C: predict SYMBOL_JSON PARAMS IMAGES_IDX
 * Prints the class of every image, one a line. */
#include <stdio.h>
#include <stdlib.h>

#include "gemel/c_api.h"

static void check(int result) {
  if (result != 0) {
    fprintf(stderr, "%s\n", MXGetLastError());
    exit(1);
  }
}

/* The whole file, with a zero behind it. */
static char* read_file(const char* path, long* size) {
  FILE* file = fopen(path, "rb");
  char* content;
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    perror(path);
    exit(1);
  }
  *size = ftell(file);
  rewind(file);
  content = malloc((size_t)*size + 1);
  if (!content || fread(content, 1, (size_t)*size, file) != (size_t)*size) {
    perror(path);
    exit(1);
  }
  content[*size] = 0;
  fclose(file);
  return content;
}

static uint32_t big_endian(const unsigned char* bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

int main(int count, char** arguments) {
  long json_size, params_size, images_size;
  char *json, *params;
  unsigned char* images;
  uint32_t number, pixels, *shape, ndim, first[2], data_shape[2], i, k;
  const char* input = "data";
  PredictorHandle predictor;
  float *values, *scores;

  if (count != 4) {
    fprintf(stderr, "usage: %s SYMBOL_JSON PARAMS IMAGES_IDX\n", arguments[0]);
    return 2;
  }
  json = read_file(arguments[1], &json_size);
  params = read_file(arguments[2], &params_size);
  images = (unsigned char*)read_file(arguments[3], &images_size);
  number = big_endian(images + 4);
  pixels = big_endian(images + 8) * big_endian(images + 12);

  first[0] = 0;
  first[1] = 2;
  data_shape[0] = number;
  data_shape[1] = pixels;
  check(MXPredCreate(json, params, (int)params_size, 1, 0, 1, &input, first, data_shape,
                     &predictor));
  values = malloc(sizeof(float) * number * pixels);
  for (i = 0; i < number * pixels; ++i) values[i] = (float)images[16 + i] / 255.0f;
  check(MXPredSetInput(predictor, "data", values, number * pixels));
  check(MXPredForward(predictor));
  check(MXPredGetOutputShape(predictor, 0, &shape, &ndim));
  if (ndim != 2 || shape[0] != number) {
    fprintf(stderr, "expected a row of scores for each of %u images\n", number);
    return 1;
  }
  scores = malloc(sizeof(float) * shape[0] * shape[1]);
  check(MXPredGetOutput(predictor, 0, scores, shape[0] * shape[1]));
  for (i = 0; i < number; ++i) {
    uint32_t best = 0;
    for (k = 1; k < shape[1]; ++k)
      if (scores[i * shape[1] + k] > scores[i * shape[1] + best]) best = k;
    printf("%u\n", best);
  }
  check(MXPredFree(predictor));
  free(values);
  free(scores);
  free(images);
  free(params);
  free(json);
  return 0;
}
