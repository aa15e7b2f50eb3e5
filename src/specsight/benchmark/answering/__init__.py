"""Who answers a benchmark's items (`answerers`), how words become answers (`parsing`), runs that go on (`running`)."""
