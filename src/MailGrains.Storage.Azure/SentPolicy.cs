using Azure.Core;
using Azure.Core.Pipeline;

namespace MailGrains.Storage.Azure;

/// <summary>
/// Tells a failure before the first byte of a request's body went to a connection (name resolution, connect, TLS, credentials, the
/// wait for a free connection) from one after it: only the former is known to have written nothing.
/// It watches requests with a body. The others are reads, and deletes that may be repeated: the HTTP stack itself sends a request
/// without a body again when a pooled connection turns out to be closed, so none of those must carry a condition.
/// </summary>
internal sealed class SentPolicy : HttpPipelinePolicy
{
    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (message.Request.Content is not { } body)
        {
            await ProcessNextAsync(message, pipeline).ConfigureAwait(false);
            return;
        }

        var content = new WatchedContent(body);
        message.Request.Content = content;
        try
        {
            await ProcessNextAsync(message, pipeline).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!content.Started && message.CancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (!content.Started)
        {
            throw new NothingSentException(e);
        }
        catch (OperationCanceledException e)
        {
            throw new GivenUpException(e);
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) =>
        throw new NotSupportedException("The stores are asynchronous only.");

    private sealed class WatchedContent(RequestContent content) : RequestContent
    {
        public bool Started { get; private set; }

        public override Task WriteToAsync(Stream stream, CancellationToken cancellation)
        {
            Started = true;
            return content.WriteToAsync(stream, cancellation);
        }

        public override void WriteTo(Stream stream, CancellationToken cancellation)
        {
            Started = true;
            content.WriteTo(stream, cancellation);
        }

        public override bool TryComputeLength(out long length) => content.TryComputeLength(out length);

        public override void Dispose() => content.Dispose();
    }
}

/// <summary>Counts the requests as they go out, each retry by itself.</summary>
internal sealed class CountPolicy(StoreMetrics metrics, string service) : HttpPipelinePolicy
{
    public override ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        metrics.Requested(service);
        return ProcessNextAsync(message, pipeline);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) =>
        throw new NotSupportedException("The stores are asynchronous only.");
}

/// <summary>A request failed before anything of it was sent.</summary>
internal sealed class NothingSentException(Exception inner) : Exception("Nothing was sent: " + inner.Message, inner);

/// <summary>A request was given up after some of it had been sent: it took too long, or its caller had no more use for it.</summary>
internal sealed class GivenUpException(Exception inner) : Exception("Given up while in flight: " + inner.Message, inner);
