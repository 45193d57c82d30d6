"""The documentation as a site: its settings, and the pages that are made from the code. No part of the product."""
