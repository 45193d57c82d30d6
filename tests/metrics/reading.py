"""What a reader of ``/metrics`` sees."""

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]


class Reading:
    """One answer of ``/metrics``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.values: dict[tuple[str, Labels], float] = {}
        self.names: set[str] = set()
        self.labels: set[str] = set()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
                self.names.add(sample.name)
                self.labels |= sample.labels.keys()

    def value(self, name: str, **labels: str) -> float:
        """The value of this series; 0 where there is none yet."""
        return self.values.get((name, tuple(sorted(labels.items()))), 0.0)
