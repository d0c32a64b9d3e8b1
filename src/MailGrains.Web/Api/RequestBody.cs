using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MailGrains.Web.Api;

/// <summary>The caller's request can't be carried out as it is; becomes a problem with this status and detail.</summary>
internal sealed class ApiException(int status, string detail) : Exception(detail)
{
    public int Status => status;
}

/// <summary>Reads the JSON body of a request within a bound.</summary>
internal static class RequestBody
{
    public const int MaxBytes = 64 * 1024;

    /// <summary>The body; <paramref name="empty"/> where there is none.</summary>
    /// <exception cref="ApiException">It is too large, no JSON, or not of this form.</exception>
    public static async ValueTask<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, T empty)
        where T : class
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaxBytes;
        }

        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } || context.Request.ContentLength == 0)
        {
            return empty;
        }

        if (context.Request.ContentType is not null && !context.Request.HasJsonContentType())
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "The body is to be application/json.");
        }

        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted)
                ?? throw new ApiException(StatusCodes.Status400BadRequest, "The body is null.");
        }
        catch (JsonException e)
        {
            // The reader's own words name types of ours.
            throw new ApiException(StatusCodes.Status400BadRequest, $"The body is not the JSON that is expected, at {e.Path ?? "$"}.");
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new ApiException(e.StatusCode, $"The body has more than {MaxBytes} bytes.");
        }
    }
}
