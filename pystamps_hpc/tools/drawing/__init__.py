"""How pictures are drawn: the page, the frame of a map, colours, points, hillshade."""
