/** ARM's answers as they are on the wire, only the fields we use. Unset fields may be missing or null. https://learn.microsoft.com/rest/api/containerregistry/runs */
import * as z from "zod";

const text = z.string().nullish();

export const Registry = z.object({
  properties: z.object({ loginServer: z.string().min(1), creationDate: z.string().min(1) }),
});

const OutputImage = z.object({ registry: text, repository: text, tag: text, digest: text });

export const Run = z.object({
  name: text,
  properties: z.object({
    runId: text,
    status: text,
    createTime: text,
    finishTime: text,
    outputImages: z.array(OutputImage).nullish(),
    runErrorMessage: text,
  }),
});
export type Run = z.infer<typeof Run>;

export const RunPage = z.object({ value: z.array(Run).nullish(), nextLink: text });

export const UploadTarget = z.object({ uploadUrl: z.string().min(1), relativePath: z.string().min(1) });

export const LogLinks = z.object({ logLink: text, logArtifactLink: text });

const ErrorBody = z.object({
  code: text,
  message: text,
  details: z.array(z.object({ code: text, message: text }).nullable()).nullish(),
});
/** Tasks operations and the rest of ARM differ in what may be null; a few gateways leave the envelope out. */
export const ErrorAnswer = z.union([
  z.object({ error: ErrorBody }).transform((answer) => answer.error),
  ErrorBody.refine((body) => Boolean(body.code ?? body.message)),
]);
