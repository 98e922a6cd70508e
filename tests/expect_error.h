// EXPECT_ERROR(statement, ErrorKind::corrupt, "part of the text"): the error's kind and what it
// says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poseheir/error.h"

#define EXPECT_ERROR(statement, expected_kind, expected_text)         \
  do {                                                                \
    try {                                                             \
      static_cast<void>(statement);                                   \
      ADD_FAILURE() << "expected an error: " << (expected_text);      \
    } catch (const ::poseheir::Error& error) {                        \
      EXPECT_EQ(error.kind(), expected_kind) << error.what();         \
      EXPECT_THAT(error.what(), ::testing::HasSubstr(expected_text)); \
    }                                                                 \
  } while (false)
