/** The schemas that openapi.yaml lists as components, and that ref() may refer to. */
import { ExperimentSpec } from '../../spec/schema.ts'
import { SweepSpec } from '../../spec/sweep-schema.ts'
import { Artifact, ArtifactLink } from './artifacts.ts'
import { Unbalanced } from './balance.ts'
import { Architecture, Dataset, DatasetSamples, Readiness } from './catalogue.ts'
import { BulkOutcome, BulkRequest, ExperimentEdit, ExtendBody } from './changes.ts'
import { FieldErrorSchema, Problem } from './common.ts'
import {
  ComparedExperiment,
  ComparedLayerRow,
  ComparedLossRow,
  ComparedSpecRow,
  ComparedWeights,
  Comparison,
  ComparisonAnswer,
  ComparisonTable,
  ComparisonWarning,
} from './compare.ts'
import { DiagnosticList, DiagnosticRule, diagnosticSchemas } from './diagnostics.ts'
import {
  Experiment,
  ExperimentListItem,
  ExperimentStatus,
  ExperimentSummary,
  exampleSpec,
  LogLine,
  Place,
  Progress,
} from './experiments.ts'
import { Finding, FindingList } from './findings.ts'
import { JudgingCost, Preview, SampleSize } from './preview.ts'
import { ResolvedSpecComponent } from './resolved.ts'
import {
  exampleSweep,
  PredictorRow,
  SummaryRow,
  Sweep,
  SweepExperiment,
  SweepListItem,
  SweepPredictors,
  SweepSummary,
} from './sweeps.ts'
import {
  AllocationRow,
  AllocationsTable,
  IterationRow,
  IterationsTable,
  LayerRow,
  LayersTable,
  LayerTotal,
  NeuronRow,
  NeuronsTable,
  SeveralIterationRow,
  SeveralIterationsTable,
} from './tables.ts'
import { Trajectory } from './trajectories.ts'
import { Worker } from './workers.ts'

export const components = [
  { ...ExperimentSpec, examples: [exampleSpec] },
  ...[ResolvedSpecComponent, ExperimentStatus, Progress, Unbalanced, ExperimentSummary],
  ...[ExperimentListItem, Place, Experiment, ExtendBody, SampleSize, JudgingCost, Preview],
  ...[ExperimentEdit, BulkRequest, BulkOutcome, LogLine],
  { ...SweepSpec, examples: [exampleSweep] },
  ...[
    SweepListItem,
    SweepExperiment,
    Sweep,
    SummaryRow,
    SweepSummary,
    PredictorRow,
    SweepPredictors,
    NeuronRow,
    NeuronsTable,
  ],
  ...[LayerRow, LayerTotal, LayersTable, IterationRow, IterationsTable, AllocationRow, AllocationsTable],
  ...[SeveralIterationRow, SeveralIterationsTable],
  ...[ComparedExperiment, ComparedWeights, ComparedLayerRow, ComparedLossRow, ComparedSpecRow],
  ...[ComparisonWarning, Comparison, ComparisonTable, ComparisonAnswer],
  ...[DiagnosticRule, DiagnosticList, Finding, FindingList],
  ...diagnosticSchemas.flatMap(({ row, document }) => [row, document]),
  ...[Artifact, ArtifactLink, Architecture, Dataset, DatasetSamples, Trajectory, Worker, Readiness],
  ...[FieldErrorSchema, Problem],
]
