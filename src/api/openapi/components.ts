/** The schemas that read requests and describe answers, by the names that the document gives them. */

import * as earlierAnswers from '../../formats/earlier-services-schema.ts'
import * as native from '../../formats/native-schema.ts'
import * as amazonAnswers from '../../formats/rekognition-schema.ts'
import * as jobs from '../../jobs/view-schema.ts'
import { contractSchema } from '../../model/contract-schema.ts'
import * as own from '../answer-schema.ts'
import * as earlier from '../dialects/earlier-services/request-schema.ts'
import * as kserve from '../dialects/kserve/answer-schema.ts'
import { inferRequest } from '../dialects/kserve/infer-request.ts'
import * as amazon from '../dialects/rekognition/request.ts'
import * as models from '../native/model-schema.ts'
import { blob, picture } from '../native/picture-schema.ts'

export const COMPONENTS = {
  Detection: native.detection,
  Timings: native.timings,
  Found: native.found,
  Failed: native.failed,
  ModelName: native.modelName,
  Report: native.report,
  Contract: contractSchema,
  ModelEntry: models.modelEntry,
  Models: models.models,
  Model: models.model,
  Status: own.status,
  Error: own.errorAnswer,
  Picture: picture,
  Blob: blob,
  Job: jobs.job,
  JobWithSummary: jobs.jobWithSummary,
  JobPage: jobs.jobPage,
  JobModel: jobs.jobModel,
  JobModels: jobs.models,
  JobPicture: jobs.picture,
  JobPictureWithModels: jobs.pictureWithModels,
  JobPicturePage: jobs.picturePage,
  FoundPicture: jobs.foundPicture,
  FoundPage: jobs.foundPage,
  Redriven: jobs.redriven,
  Review: jobs.review,
  UploadForm: jobs.uploadForm,
  WebhookEvent: jobs.webhookEvent,
  KserveServer: kserve.kserveServer,
  KserveLive: kserve.kserveLive,
  KserveReady: kserve.kserveReady,
  KserveModelReady: kserve.kserveModelReady,
  KserveModel: kserve.kserveModel,
  KserveRequest: inferRequest,
  KserveAnswer: kserve.kserveAnswer,
  KserveError: kserve.kserveError,
  YolambdaRequest: earlier.yolambdaRequest,
  YolambdaAnswer: earlierAnswers.yolambdaAnswer,
  IcevisionRequest: earlier.icevisionRequest,
  IcevisionAnswer: earlierAnswers.icevisionAnswer,
  ArticleRequest: earlier.articleRequest,
  ArticleAnswer: earlierAnswers.articleAnswer,
  TfliteRequest: earlier.tfliteRequest,
  TfliteAnswer: earlierAnswers.tfliteAnswer,
  TfliteMessage: earlierAnswers.tfliteMessage,
  DetectLabelsRequest: amazon.detectLabels,
  DetectLabelsAnswer: amazonAnswers.detectLabelsAnswer,
  DetectCustomLabelsRequest: amazon.detectCustomLabels,
  DetectCustomLabelsAnswer: amazonAnswers.detectCustomLabelsAnswer,
  DetectModerationLabelsRequest: amazon.detectModerationLabels,
  DetectModerationLabelsAnswer: amazonAnswers.detectModerationLabelsAnswer,
  StartMediaAnalysisJobRequest: amazon.startMediaJob,
  StartMediaAnalysisJobAnswer: amazonAnswers.startMediaAnalysisJobAnswer,
  GetMediaAnalysisJobRequest: amazon.getMediaJob,
  GetMediaAnalysisJobAnswer: amazonAnswers.mediaAnalysisJob,
  ListMediaAnalysisJobsRequest: amazon.listMediaJobs,
  ListMediaAnalysisJobsAnswer: amazonAnswers.listMediaAnalysisJobsAnswer,
}

export type ComponentName = keyof typeof COMPONENTS | 'DetectBody' | 'JobBody'
