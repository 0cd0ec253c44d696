/** One file in one request, with the progress that only XMLHttpRequest tells. */
import { read } from "@/api/json";
import { Problem, type ProblemBody } from "@/api/problem";
import { accessToken } from "@/api/session";
import type { Dataset } from "@/live/lists";

export interface Sending {
  done: Promise<Dataset>;
  abort: () => void;
}

export function upload(file: File, progress: (share: number) => void): Sending {
  const request = new XMLHttpRequest();
  const done = accessToken().then(
    (token) =>
      new Promise<Dataset>((resolve, reject) => {
        request.open("POST", `/v1/datasets?name=${encodeURIComponent(file.name)}`);
        request.setRequestHeader("Content-Type", "application/octet-stream");
        if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
        request.upload.onprogress = (event) =>
          progress(event.total ? event.loaded / event.total : 0);
        request.onload = () => {
          const body = read(request.responseText);
          if (request.status === 201) resolve(body as Dataset);
          else reject(new Problem(body as ProblemBody));
        };
        request.onerror = () => reject(new TypeError("The connection was lost."));
        request.onabort = () => reject(new Error("The upload was stopped."));
        request.send(file);
      }),
  );
  return { done, abort: () => request.abort() };
}
