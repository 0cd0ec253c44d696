/** Lines or bars over time, drawn by uPlot in the colours of the page. */
import { useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Line {
  label: string;
  /** A variable of the theme, such as `--tm-failed`. */
  color: string;
  values: (number | null)[];
  fill?: boolean;
}

export interface LineChartProps {
  label: string;
  x: number[];
  lines: Line[];
  unit?: (value: number) => string;
  height?: number;
  time?: boolean;
}

function colorOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim() || "gray";
}

function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { timeStyle: "short" });
}

function axis(format?: (value: number) => string): uPlot.Axis {
  const stroke = colorOf("--mantine-color-dimmed");
  const grid = { stroke: colorOf("--tm-line"), width: 1 };
  return {
    stroke,
    grid,
    ticks: { show: false },
    font: "11px Inter Variable, system-ui",
    size: format ? 56 : 26,
    values: (_: uPlot, splits: number[]) => splits.map(format ?? clockOf),
  };
}

export function LineChart({
  label,
  x,
  lines,
  unit = String,
  height = 150,
  time = true,
}: LineChartProps) {
  const scheme = useComputedColorScheme();
  const { ref, width } = useElementSize();
  const plot = useRef<uPlot | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const shape = lines.map((line) => line.label + line.color + line.fill).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: new data is set below, without a new plot
  useEffect(() => {
    if (!place.current || width === 0) return;
    const made = new uPlot(
      {
        width,
        height,
        legend: { show: true, live: false },
        cursor: { y: false, points: { size: 5 } },
        scales: {
          x: { time },
          y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.15 : 1] },
        },
        axes: [axis(), axis(unit)],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: colorOf(line.color),
            width: 1.5,
            spanGaps: true,
            points: { show: false },
            ...(line.fill && { fill: `${colorOf(line.color)}22` }),
            value: (_: uPlot, value: number | null) => (value === null ? "–" : unit(value)),
          })),
        ],
      },
      [x, ...lines.map((line) => line.values)] as uPlot.AlignedData,
      place.current,
    );
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
  }, [width, height, scheme, shape, time]);
  useEffect(() => {
    plot.current?.setData([x, ...lines.map((line) => line.values)] as uPlot.AlignedData);
  }, [x, lines]);
  return (
    <div ref={ref} role="img" aria-label={label} style={{ minHeight: height + 30 }}>
      <div ref={place} />
    </div>
  );
}
