/** Steps as a graph that follows a run. */
import { Text } from "@mantine/core";
import {
  Background,
  Controls,
  type Edge,
  Handle,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useComputedColorScheme } from "@mantine/core";
import { useMemo } from "react";
import { layout } from "@/pages/pipelines/layout";
import { Dot, dotOf } from "@/parts/Status";

export interface GraphStep {
  name: string;
  processor: string;
  needs?: string[] | null;
  status?: string;
}

type StepNode = Node<{ step: GraphStep }, "step">;

function StepBox({ data: { step } }: NodeProps<StepNode>) {
  return (
    <div className="step-node" style={dotOf(step.status ?? "pending")}>
      <Handle type="target" position={Position.Left} />
      <Text fz="sm" fw={600} style={{ display: "flex", alignItems: "center", gap: 6 }}>
        {step.status && <Dot status={step.status} />}
        {step.name}
      </Text>
      <Text fz="xs" c="dimmed">
        {step.status ?? step.processor}
      </Text>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

const NODES = { step: StepBox };

export function StepGraph({
  steps,
  choose,
  height = 320,
}: {
  steps: GraphStep[];
  choose?: (name: string) => void;
  height?: number;
}) {
  const scheme = useComputedColorScheme();
  const nodes = useMemo((): StepNode[] => {
    const places = layout(steps);
    return steps.map((step) => ({
      id: step.name,
      type: "step",
      position: places.get(step.name) ?? { x: 0, y: 0 },
      data: { step },
      ariaLabel: `Step ${step.name}`,
    }));
  }, [steps]);
  const edges = useMemo(
    (): Edge[] =>
      steps.flatMap((step) =>
        (step.needs ?? []).map((need) => ({
          id: `${need}-${step.name}`,
          source: need,
          target: step.name,
          animated: step.status === "running",
        })),
      ),
    [steps],
  );
  return (
    <div className="panel" style={{ height }}>
      <ReactFlow
        key={steps.map((step) => step.name).join()}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODES}
        colorMode={scheme}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.2 }}
        nodesConnectable={false}
        nodesDraggable={false}
        onNodeClick={(_, node) => choose?.(node.id)}
      >
        <Background gap={18} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}
