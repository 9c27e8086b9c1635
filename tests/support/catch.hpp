#pragma once

// The one include of Catch2: version 2.13 is what Debian 12 has, and 3 will be a change here alone.
#include <catch2/catch.hpp>
